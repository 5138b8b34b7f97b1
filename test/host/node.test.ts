import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clusterArgs, RunningNode } from './running_node.ts';
import { inFolder, until } from './support.ts';

const members = 5;

test('MBR-1 holds: of five processes a killed one is detected and re-joins; TIM-1 holds: it learns the time', () =>
  inFolder(async (folder) => {
    const args = await clusterArgs(members, folder, 200);
    const nodes = args.map((words) => new RunningNode(words));
    const start = (id: number) => {
      nodes[id] = new RunningNode(args[id]);
    };
    try {
      const others = (id: number) => nodes.map((_, index) => index).filter((index) => index !== id);
      await until(() => nodes.every((node, id) => others(id).every((other) => node.stateOf(other) === 'alive')), 120);
      await until(() => nodes.every((node) => node.saw('listening', ({ words }) => /loopback only/.test(words ?? ''))));

      await nodes[4].end('SIGKILL');
      const silent = ['dead', 'unreachable'];
      await until(() => nodes.slice(0, 4).every((node) => silent.includes(node.stateOf(4) ?? '')), 120);

      start(4);
      await until(() => nodes[4].saw('time-acquired'), 120);
      await until(() => nodes.slice(0, 4).every((node) => node.stateOf(4) === 'alive'), 120);

      // SIGTERM leaves a checkpoint; the next life begins from it, even when the newer checkpoint
      // is damaged.
      assert.is(await nodes[0].end('SIGTERM'), 0, nodes[0].stderr);
      assert.ok(nodes[0].saw('stopped'));
      const slots = readdirSync(join(folder, 'node-0')).filter((name) => name.startsWith('checkpoint'));
      assert.ok(slots.length >= 1);
      start(0);
      await until(() => nodes[0].saw('booted', ({ restored }) => restored === 1));
      await nodes[0].end('SIGTERM');

      const sequenceOf = (name: string) => readFileSync(join(folder, 'node-0', name)).readUInt32BE(4);
      const held = readdirSync(join(folder, 'node-0')).filter((name) => name.startsWith('checkpoint'));
      assert.is(held.length, 2);
      const newest = held.sort((left, right) => sequenceOf(right) - sequenceOf(left))[0];
      writeFileSync(join(folder, 'node-0', newest), 'spoilt');
      start(0);
      await until(() => nodes[0].saw('store-fault', ({ words }) => /the one before it is used/.test(words ?? '')));
      await until(() => nodes[0].saw('booted', ({ restored }) => restored === 1));
    } finally {
      await Promise.all(nodes.map((node) => node.end('SIGKILL')));
    }
    assert.equal(nodes.map(({ stderr }) => stderr).join(''), '');
  }));

test.run();

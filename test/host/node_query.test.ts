// Questions to a running node: who may ask, what is answered, and that nothing changes.

import { connect } from 'node:net';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { QueryServer } from '../../host/node/query_server.ts';
import { clusterArgs, RunningNode, runNode } from './running_node.ts';
import { inFolder, until } from './support.ts';

test('a running node answers status, members, intents and watch; the socket is for its user alone', () =>
  inFolder(async (folder) => {
    // Deeper than a socket's address is long.
    const state = join(folder, 'a'.repeat(90), 'b'.repeat(90));
    const all = await clusterArgs(2, state, 200);
    const nodes = all.map((args) => new RunningNode(args));
    try {
      await until(() => nodes.every((node, id) => node.stateOf(1 - id) === 'alive'), 120);
      const { status, stdout, stderr } = runNode('status', '--state', state, '--json');
      assert.is(status, 0, stderr);
      const answers = stdout.trim().split('\n');
      assert.equal(
        answers.map((line) => JSON.parse(line)).map(({ id, members, alive, pid }) => [id, members, alive, pid]),
        nodes.map(({ child }, id) => [id, 2, 2, child.pid]),
      );
      assert.match(
        runNode('status', '--state', state, '--id', '1').stdout,
        /^node {8}member 1 of cluster 1, process \d+, boot 1\n/,
      );
      assert.match(runNode('members', '--state', state, '--id', '0').stdout, /\n *1 {2}alive/);
      await until(() => nodes[0].saw('settled'), 120);
      const { intents } = JSON.parse(runNode('intents', '--state', state, '--id', '0', '--json').stdout);
      assert.ok(intents.some(({ owner, kind }: { owner: number; kind: string }) => owner === 0 && kind === 'mine'));
      const watcher = new RunningNode(['watch', '--state', state, '--id', '0']);
      await until(() => watcher.lines.length > 0, 120);
      const [line] = watcher.lines;
      assert.ok(nodes[0].lines.some(({ missionS, event }) => missionS === line.missionS && event === line.event));
      await watcher.end('SIGKILL');
      assert.is(statSync(join(state, 'node-0', 'query.sock')).mode & 0o777, 0o600);
      assert.is(statSync(join(state, 'node-0')).mode & 0o777, 0o700);
    } finally {
      await Promise.all(nodes.map((node) => node.end('SIGKILL')));
    }
    const after = runNode('status', '--state', state);
    assert.is(after.status, 4);
    assert.match(after.stderr, /no node runs with/);
  }));

test('a question that is none, a long one and too many askers change nothing', () =>
  inFolder(async (folder) => {
    let questions = 0;
    const server = await QueryServer.open(folder, (query) => {
      questions += 1;
      return { query };
    });
    const say = (text: string): Promise<string> =>
      new Promise((resolve) => {
        let reply = '';
        const socket = connect(join(folder, 'query.sock'), () => void socket.write(text));
        socket.on('data', (chunk) => {
          reply += chunk;
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(reply));
      });
    try {
      assert.is(await say('status\n'), '{"query":"status"}\n');
      assert.match(await say('stop\n'), /^\{"error":"ask one of status, members, intents, watch"\}\n$/);
      // At once, and not because it said nothing more for a while.
      const late = new Promise((resolve) => setTimeout(resolve, 60_000, 'late').unref());
      assert.is(await Promise.race([say('x'.repeat(1000)), late]), '');
      assert.is(questions, 1);
      const idle = Array.from({ length: 16 }, () => connect(join(folder, 'query.sock')));
      await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
      assert.is(await say('status\n'), '');
      for (const socket of idle) socket.destroy();
      let reply = '';
      for (let turn = 0; turn < 100 && reply === ''; turn += 1) reply = await say('status\n');
      assert.is(reply, '{"query":"status"}\n');
    } finally {
      server.close();
    }
  }));

test('a watcher that does not read is disconnected', () =>
  inFolder(async (folder) => {
    const server = await QueryServer.open(folder, () => ({}));
    try {
      const socket = connect(join(folder, 'query.sock'));
      socket.pause();
      let isClosed = false;
      socket.on('error', () => {});
      socket.on('close', () => {
        isClosed = true;
      });
      await new Promise((resolve) => socket.write('watch\n', resolve));
      for (let turn = 0; turn < 3000 && !isClosed; turn += 1) {
        server.publish('x'.repeat(1000));
        if (turn % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      socket.resume();
      await until(() => isClosed, 20);
    } finally {
      server.close();
    }
  }));

test('a node whose socket cannot be made says so and flies', () =>
  inFolder(async (folder) => {
    const [args] = await clusterArgs(1, folder, 100);
    mkdirSync(join(folder, 'node-0', 'query.sock', 'in the way'), { recursive: true });
    const node = new RunningNode(args);
    await until(() => node.saw('booted'), 120);
    assert.match(node.all('no-queries')[0]?.words ?? '', /this node cannot be asked: .*query\.sock/);
    assert.is(await node.end(), 0, node.stderr);
  }));

test('asking where no node ever ran says so, with 4; asking without --state is wrong usage', () =>
  inFolder((folder) => {
    for (const args of [[folder], [folder, '--id', '3'], [join(folder, 'none')]]) {
      const { status, stderr } = runNode('status', '--state', ...args);
      assert.is(status, 4, stderr);
      assert.match(stderr, /no node runs with/);
    }
    assert.is(runNode('status').status, 2);
    assert.is(runNode('--id', '0').status, 2);
    assert.match(runNode('--id', '0').stderr, /required option '--cluster'/);
    // A file that is left of a process that was killed is no node.
    mkdirSync(join(folder, 'node-7'));
    writeFileSync(join(folder, 'node-7', 'query.sock'), '');
    assert.is(runNode('members', '--state', folder).status, 4);
  }));

test.run();

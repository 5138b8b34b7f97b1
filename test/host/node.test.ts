import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { freePorts, inFolder, until } from './support.ts';

const members = 5;
/** `member-state` as in proto/schema/platform.cddl. */
const alive = 1;
const unreachable = 3;
const dead = 4;

interface LogLine {
  event: string;
  member?: number;
  state?: number;
  restored?: number;
  words?: string;
}

/** One node as a process; `lines` are those of its present life. */
class NodeProcess {
  lines: LogLine[] = [];
  stderr = '';
  child: ChildProcess | null = null;
  private readonly args: string[];

  constructor(id: number, radio: string, folder: string) {
    const place = ['--id', String(id), '--cluster', '1', '--members', String(members), '--radio', radio];
    this.args = [
      'node',
      ...place,
      '--time-scale',
      '200',
      '--epoch',
      '',
      '--state',
      folder,
      '--keys',
      'simulated',
      '--json',
    ];
  }

  start(epoch: string): void {
    this.lines = [];
    const args = this.args.map((word, index) => (this.args[index - 1] === '--epoch' ? epoch : word));
    const child = spawn(process.execPath, [join(rootFolder, 'dist', 'heliograph.mjs'), ...args]);
    let rest = '';
    child.stdout.on('data', (chunk) => {
      const whole = (rest + chunk).split('\n');
      rest = whole.pop() ?? '';
      for (const line of whole) this.lines.push(JSON.parse(line) as LogLine);
    });
    child.stderr.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.child = child;
  }

  /** Ends the process and returns its exit code, null when a signal killed it. */
  end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null)
      return Promise.resolve(child?.exitCode ?? null);
    return new Promise((resolve) => {
      child.once('close', (code) => resolve(code));
      child.kill(signal);
    });
  }

  saw(event: string, holds: (line: LogLine) => boolean = () => true): boolean {
    return this.lines.some((line) => line.event === event && holds(line));
  }

  /** The last that this node said of a member. */
  stateOf(member: number): number | undefined {
    return this.lines.filter((line) => line.event === 'member-state' && line.member === member).at(-1)?.state;
  }
}

test('MBR-1 holds: of five processes a killed one is detected and re-joins; TIM-1 holds: it learns the time', () =>
  inFolder(async (folder) => {
    const ports = await freePorts(members);
    const radio = `udp://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`;
    const nodes = ports.map((_, id) => new NodeProcess(id, radio, folder));
    const epoch = new Date().toISOString();
    const [first, , , , last] = nodes;
    try {
      for (const node of nodes) node.start(epoch);
      const others = (id: number) => nodes.map((_, index) => index).filter((index) => index !== id);
      await until(() => nodes.every((node, id) => others(id).every((other) => node.stateOf(other) === alive)), 120);
      await until(() => nodes.every((node) => node.saw('listening', ({ words }) => /loopback only/.test(words ?? ''))));

      await last.end('SIGKILL');
      await until(() => nodes.slice(0, 4).every((node) => [dead, unreachable].includes(node.stateOf(4) ?? 0)), 120);

      last.start(epoch);
      await until(() => last.saw('time-acquired'), 120);
      await until(() => nodes.slice(0, 4).every((node) => node.stateOf(4) === alive), 120);

      // SIGTERM leaves a checkpoint; the next life begins from it, even when the newer checkpoint
      // is damaged.
      assert.is(await first.end('SIGTERM'), 0, first.stderr);
      assert.ok(first.saw('stopped'));
      const slots = readdirSync(join(folder, 'node-0')).filter((name) => name.startsWith('checkpoint'));
      assert.ok(slots.length >= 1);
      first.start(epoch);
      await until(() => first.saw('booted', ({ restored }) => restored === 1));
      await first.end('SIGTERM');

      const sequenceOf = (name: string) => readFileSync(join(folder, 'node-0', name)).readUInt32BE(4);
      const held = readdirSync(join(folder, 'node-0')).filter((name) => name.startsWith('checkpoint'));
      assert.is(held.length, 2);
      const newest = held.sort((left, right) => sequenceOf(right) - sequenceOf(left))[0];
      writeFileSync(join(folder, 'node-0', newest), 'spoilt');
      first.start(epoch);
      await until(() => first.saw('store-fault', ({ words }) => /the one before it is used/.test(words ?? '')));
      await until(() => first.saw('booted', ({ restored }) => restored === 1));
    } finally {
      await Promise.all(nodes.map((node) => node.end('SIGKILL')));
    }
    assert.equal(nodes.map(({ stderr }) => stderr).join(''), '');
  }));

test.run();

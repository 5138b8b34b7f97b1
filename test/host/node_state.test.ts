// One state folder: who holds it, what a full disk does, and what is refused in it.

import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { identityOf } from '../../host/node/state_identity.ts';
import { decodeSlot, Store } from '../../host/store/store.ts';
import { run } from '../cli/run.ts';
import { clusterArgs, RunningNode, runNode } from './running_node.ts';
import { inFolder, until } from './support.ts';

/** Mounts a file system in `folder` for `use`; false: this user may not mount. */
async function mounted(folder: string, options: string, use: (place: string) => Promise<void>): Promise<boolean> {
  const place = join(folder, 'mounted');
  mkdirSync(place, { recursive: true });
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', place]).status !== 0) return false;
  try {
    await use(place);
  } finally {
    spawnSync('umount', [place]);
  }
  return true;
}

/**
 * The sequence of the newest whole checkpoint, 0 if there is none, while a node writes there: a
 * `Store` of one's own would remove the file that the node is writing.
 */
function newestSequence(state: string): number {
  const sequences = ['a', 'b'].map((slot) => {
    const path = join(state, `checkpoint.${slot}`);
    const record = existsSync(path) ? decodeSlot(readFileSync(path)) : 'is missing';
    return typeof record === 'string' ? 0 : record.sequence;
  });
  return Math.max(...sequences);
}

/** Appends to a file until its disk is full. */
function fillUp(path: string): void {
  assert.throws(() => appendFileSync(path, new Uint8Array(1 << 20)), /ENOSPC/);
}

test('a second process on one state is refused and names the first; a killed one leaves no lock', () =>
  inFolder(async (folder) => {
    const [args] = await clusterArgs(1, folder, 100);
    const first = new RunningNode(args);
    try {
      await until(() => first.saw('booted'), 120);
      const second = runNode(...args);
      assert.is(second.status, 4, second.stderr);
      assert.match(second.stderr, new RegExp(`node-0 is in use by process ${first.child.pid} on .* since 20`));
      // A paused process holds its state, too.
      first.signal('SIGSTOP');
      assert.is(runNode(...args).status, 4);
    } finally {
      await first.end('SIGKILL');
    }
    const third = new RunningNode(args);
    await until(() => third.saw('booted'), 120);
    assert.is(await third.end(), 0, third.stderr);
  }));

test('a disk that fills up ends the node with 4 and the path; it goes on from its last checkpoint', () =>
  inFolder(async (folder) => {
    const isMounted = await mounted(folder, 'size=256k', async (place) => {
      const [args] = await clusterArgs(1, place, 1000);
      const node = new RunningNode(args);
      try {
        // The first checkpoint comes after a quarter of an hour.
        await until(() => node.saw('booted') && (node.lines.at(-1)?.missionS ?? 0) > 0, 120);
        const state = join(place, 'node-0');
        await until(() => newestSequence(state) > 0, 120);
        const before = newestSequence(state);
        const filler = join(place, 'filler');
        assert.throws(() => writeFileSync(filler, new Uint8Array(1 << 20)), /ENOSPC/);
        // A file that the node replaces just then leaves room for the next one: it is filled, too.
        const fill = setInterval(() => fillUp(filler), 10);
        const status = await node.ended;
        clearInterval(fill);
        assert.is(status, 4, node.stderr);
        assert.match(node.stderr, /cannot write .*mounted\/node-0\/(counters|checkpoint)\.[ab].*the disk is full/);
        assert.not.match(node.stderr, /fault of its own|at .*\.mjs/);
        const { record, faults } = new Store(state).read('checkpoint');
        assert.equal(faults, []);
        assert.ok(record!.sequence >= before);
        rmSync(filler);
      } finally {
        await node.end('SIGKILL');
      }
      const again = new RunningNode(args);
      try {
        await until(() => again.saw('booted', ({ restored }) => restored === 1), 120);
        assert.is(await again.end(), 0, again.stderr);
      } finally {
        await again.end('SIGKILL');
      }
    });
    if (!isMounted) console.log('skipped: this user may not mount a small disk');
  }));

test('a read-only file system is named as such, with 4', () =>
  inFolder(async (folder) => {
    const isMounted = await mounted(folder, 'ro,size=64k', async (place) => {
      const below = join(place, 'made', 'there');
      for (const state of [place, below]) {
        const [args] = await clusterArgs(1, state, 1);
        const { status, stderr } = runNode(...args);
        assert.is(status, 4, stderr);
        assert.match(stderr, /cannot write .*mounted.*: the file system is read-only/);
      }
      for (const args of [`keys init ${below} --cluster 1 --members 3`, `sim quiet --days 0.01 --out ${below}`]) {
        const { status, stderr } = run(...args.split(' '));
        assert.is(status, 4, stderr);
        assert.match(stderr, /the file system is read-only/);
      }
    });
    if (!isMounted) console.log('skipped: this user may not mount a read-only disk');
  }));

test('a folder belongs to one cluster and one mission epoch, and another is refused without a trace', () =>
  inFolder(async (folder) => {
    const [args] = await clusterArgs(1, folder, 1);
    const epochAt = args.indexOf('--epoch') + 1;
    const other = (at: number, value: string) => args.map((arg, index) => (index === at ? value : arg));
    const node = new RunningNode(args);
    await until(() => node.saw('booted'), 120);
    assert.is(await node.end(), 0, node.stderr);
    const place = join(folder, 'node-0');
    const kept = () => ['checkpoint', 'counters'].map((name) => new Store(place).read(name).records);
    const before = kept();
    for (const [changed, refusal] of [
      [other(args.indexOf('--cluster') + 1, '2'), /--cluster 2, but .*node-0 is of cluster 1: name another --state/],
      [other(epochAt, '2026-01-18T00:00:00Z'), new RegExp(`give --epoch ${args[epochAt]}, or name another --state`)],
      [other(epochAt - 1, '--epoch=2026-01-18T00:00:00Z').toSpliced(epochAt, 1), /mission epoch of .*node-0 is/],
      [args.toSpliced(epochAt - 1, 2), /mission epoch of .*node-0 is/],
    ] as const) {
      const { status, stderr } = runNode(...changed);
      assert.is(status, 2, stderr);
      assert.match(stderr, refusal);
    }
    assert.equal(kept(), before);
    const decoded = run('decode', join(place, 'identity.a'), '--json');
    const { kind, cluster, missionEpoch } = JSON.parse(decoded.stdout);
    assert.equal([kind, cluster, missionEpoch], ['identity', 1, args[epochAt]]);
  }));

test('a folder whose identity is damaged says so, and belongs to the node that starts in it', () =>
  inFolder(async (folder) => {
    const lines: string[] = [];
    const log = (what: string, _: object, words = '') => lines.push(`${what} ${words}`);
    const own = { cluster: 1, beginMs: 1_768_694_400_000 };
    const other = { ...own, cluster: 2 };
    assert.equal(identityOf(new Store(folder), own, log), own);
    assert.equal(identityOf(new Store(folder), other, log), own);
    assert.equal(lines, []);
    writeFileSync(join(folder, 'identity.a'), 'damaged');
    assert.equal(identityOf(new Store(folder), other, log), other);
    assert.is(lines.length, 1);
    assert.match(lines[0], /^store-fault .*identity\.a/);
    assert.equal(identityOf(new Store(folder), own, log), other);
  }));

test('a mission epoch is one instant on every machine, or it is refused', async () => {
  const [args] = await clusterArgs(1, 'unused', 1);
  const at = args.indexOf('--epoch') + 1;
  for (const time of ['2026-01-18T00:00:00', '2026-01-18', '2026', 'January 18, 2026', '2026-02-30T00:00:00Z', '']) {
    const { status, stderr } = runNode(...args.slice(0, at), time);
    assert.is(status, 2, stderr);
    assert.match(stderr, /--epoch is '.*', not a time in UTC as 2026-01-18T00:00:00Z/);
  }
});

test('a whole checkpoint that is larger than one of this image is refused with both sizes, and the node boots', () =>
  inFolder(async (folder) => {
    const [args] = await clusterArgs(1, folder, 100);
    const place = join(folder, 'node-0');
    new Store(place).write('checkpoint', new Uint8Array(90_000));
    const node = new RunningNode(args);
    await until(() => node.saw('booted'), 120);
    assert.match(
      node.all('checkpoint-refused')[0]?.words ?? '',
      /it has 90000 bytes, and a checkpoint of this image has/,
    );
    assert.ok(node.saw('booted', ({ restored }) => restored === 0));
    assert.is(await node.end(), 0, node.stderr);
    assert.is(readFileSync(join(place, 'lock'), 'utf8').includes(`process ${node.child.pid} `), true);
  }));

test.run();

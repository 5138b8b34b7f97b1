import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import type { EpochHead } from '../../host/cbor/generated.ts';
import { TYPE } from '../../host/cbor/generated.ts';
import { decodeSequence } from '../../host/cbor/message.ts';
import { LinkPlatform, uplinkRecords } from '../../host/node/link.ts';
import { Memory } from '../../host/node/memory.ts';
import { makeEpoch } from '../../host/security/epoch.ts';
import { readKeyFileOf } from '../../host/security/keyfile.ts';
import { Store } from '../../host/store/store.ts';
import { freePorts, inFolder, until } from '../host/support.ts';
import { testKeys } from './sealed.ts';

const test = suite('keys of a node process');
const command = join(rootFolder, 'dist', 'heliograph.mjs');
const members = 3;

function ok(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });
  assert.is(status, 0, stderr);
}

interface Line {
  event: string;
  epoch?: number;
  step?: number;
  member?: number;
  state?: number;
}

class Running {
  readonly lines: Line[] = [];
  said = '';
  readonly child: ChildProcess;

  constructor(args: string[]) {
    this.child = spawn(process.execPath, [command, 'node', ...args, '--json']);
    let rest = '';
    this.child.stderr?.on('data', (chunk) => {
      this.said += chunk;
    });
    this.child.stdout?.on('data', (chunk) => {
      this.said += chunk;
      const whole = (rest + chunk).split('\n');
      rest = whole.pop() ?? '';
      for (const line of whole) this.lines.push(JSON.parse(line) as Line);
    });
  }

  saw(event: string, holds: (line: Line) => boolean = () => true): boolean {
    return this.lines.some((line) => line.event === event && holds(line));
  }

  end(): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return Promise.resolve(this.child.exitCode);
    return new Promise((resolve) => {
      this.child.once('close', resolve);
      this.child.kill('SIGTERM');
    });
  }
}

test('three processes with bundles hear each other; a new epoch sent up to one reaches the other, and the excluded not', () =>
  inFolder(async (folder) => {
    const fleet = join(folder, 'fleet');
    ok('keys', 'init', fleet, '--cluster', '7', '--members', String(members));
    const ports = await freePorts(members);
    const radio = `udp://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`;
    const uplink = join(folder, 'uplink.cbor');
    const epoch = new Date().toISOString();
    const argsOf = (id: number) => {
      ok('keys', 'node', fleet, '--cluster', '7', '--id', String(id));
      const place = ['--id', String(id), '--cluster', '7', '--members', String(members), '--radio', radio];
      const keys = ['--keys', join(fleet, 'cluster-7', `node-${id}.json`), '--state', join(folder, 'state')];
      return [...place, ...keys, '--time-scale', '200', '--epoch', epoch, ...(id === 0 ? ['--uplink', uplink] : [])];
    };
    const args = [0, 1, 2].map(argsOf);
    const nodes = args.map((words) => new Running(words));
    try {
      const aliveTo = (id: number, other: number) =>
        nodes[id].saw('member-state', ({ member, state }) => member === other && state === 1);
      await until(() => [0, 1, 2].every((id) => [0, 1, 2].every((other) => other === id || aliveTo(id, other))), 120);
      ok('keys', 'revoke', fleet, '--cluster', '7', '--id', '2');
      cpSync(join(fleet, 'cluster-7', 'epoch-2.bundle.cbor'), uplink);
      const uses = (id: number) => nodes[id].saw('epoch-changed', (line) => line.epoch === 2 && line.step === 2);
      await until(() => uses(0) && uses(1), 120);
      await until(
        () => [0, 1].every((id) => nodes[id].saw('member-state', ({ member, state }) => member === 2 && (state ?? 0) > 1)),
        120,
      );
      assert.not.ok(nodes[2].saw('epoch-changed', (line) => line.epoch === 2));
      for (const node of nodes) assert.is(await node.end(), 0, node.said);
      // What it has learnt and reserved is there again: it begins behind what it reserved, with the epoch that it learnt.
      const again = new Running(args[1]);
      nodes.push(again);
      await until(() => again.saw('booted'), 60);
      assert.is(await again.end(), 0, again.said);
      const bundle = readKeyFileOf(join(fleet, 'cluster-7', 'node-1.json'), 'heliograph node');
      const secrets = [bundle.seed, ...bundle.path.map(({ key }) => key), ...bundle.secrets.map(({ secret }) => secret)];
      for (const secret of secrets)
        for (const form of ['hex', 'base64'] as const)
          assert.not.ok(nodes.some(({ said }) => said.includes(Buffer.from(secret).toString(form).slice(0, 42))));
    } finally {
      await Promise.all(nodes.map((node) => node.end()));
    }
  }));

test('a bundle is for its member alone, and wants a place for its counters', () =>
  inFolder((folder) => {
    const fleet = join(folder, 'fleet');
    ok('keys', 'init', fleet, '--cluster', '7', '--members', '3');
    ok('keys', 'node', fleet, '--cluster', '7', '--id', '1');
    const keys = join(fleet, 'cluster-7', 'node-1.json');
    const run = (id: string, cluster: string, count: string, ...more: string[]) => {
      const place = ['--id', id, '--cluster', cluster, '--members', count, '--radio', 'udp://127.0.0.1:47000'];
      return spawnSync(process.execPath, [command, 'node', ...place, '--keys', keys, ...more], { encoding: 'utf8' });
    };
    const state = ['--state', join(folder, 'state')];
    for (const [result, reason] of [
      [run('0', '7', '3', ...state), /--id 0, but .*node-1\.json is for id 1/],
      [run('1', '8', '3', ...state), /--cluster 8, but .* is for cluster 7/],
      [run('1', '7', '4', ...state), /--members 4, but .* is for members 3/],
      [run('1', '7', '3'), /needs --state DIR/],
    ] as const) {
      assert.is(result.status, 2, result.stderr);
      assert.match(result.stderr, reason);
    }
  }));

const quiet = () => {};
const linkOf = () => ({ cluster: 7, keys: testKeys.member(0), authorityPublicKey: testKeys.authorityPublicKey });

test('a reservation is on the disk before it is answered, and outlives a spoilt slot; it never goes back', () =>
  inFolder((folder) => {
    const store = new Store(folder);
    const platform = new LinkPlatform(linkOf(), new Memory(store, quiet));
    const reserve = (cycle: number) => platform.obey(Uint32Array.of(TYPE.reserveCounters, cycle), () => new Uint8Array(0));
    const held = () => new Memory(new Store(folder), quiet).reserved;
    assert.equal(reserve(40), [TYPE.countersReserved, 40]);
    assert.is(held(), 40);
    assert.equal(reserve(30), [TYPE.countersReserved, 40]);
    assert.equal(reserve(50), [TYPE.countersReserved, 50]);
    const { record } = store.read('counters');
    store.reject('counters', record!.sequence);
    assert.is(held(), 50, 'the older slot holds it too');
    // A write that fails is not answered.
    const broken = new LinkPlatform(
      linkOf(),
      new Memory(
        {
          read: () => ({ record: null, records: [], faults: [] }),
          write: () => {
            throw new Error('disk full');
          },
        } as unknown as Store,
        quiet,
      ),
    );
    assert.throws(() => broken.obey(Uint32Array.of(TYPE.reserveCounters, 9), () => new Uint8Array(0)), /disk full/);
  }));

/** As inspect gives it. */
function inspected({ epoch, startS, parts, commitment, signature }: EpochHead): Uint8Array {
  const words = new Uint8Array(12);
  const view = new DataView(words.buffer);
  [epoch, startS, parts].forEach((value, at) => {
    view.setUint32(at * 4, value, true);
  });
  return Buffer.concat([words, commitment, signature]);
}

test("the authority's signature is checked over what the firmware shows", () => {
  const all = Array.from({ length: 200 }, (_, member) => member);
  const { head, parts } = makeEpoch(testKeys.authority, { epoch: 2, startS: 9, secret: testKeys.secret(2) }, all, new Set([4]));
  const platform = new LinkPlatform(linkOf(), new Memory(null, quiet));
  const check = (epoch: number, bytes: Uint8Array) => platform.obey(Uint32Array.of(TYPE.checkEpoch, epoch), () => bytes);
  const bytes = inspected(head);
  assert.equal(check(2, bytes), [TYPE.epochChecked, 2, 1]);
  assert.equal(check(3, bytes), [TYPE.epochChecked, 3, 0]);
  assert.equal(check(2, bytes.subarray(0, 91)), [TYPE.epochChecked, 2, 0]);
  for (let at = 0; at < bytes.length; at += 1) {
    const altered = bytes.slice();
    altered[at] ^= 1;
    assert.equal(check(2, altered), [TYPE.epochChecked, 2, 0], `byte ${at}`);
  }
  assert.is(
    platform.obey(Uint32Array.of(TYPE.stopWork, 1), () => bytes),
    null,
  );
  assert.is(uplinkRecords([head, ...parts]).length, 1 + parts.length);
  assert.equal(decodeSequence(uplinkRecords([head])[0]), [head]);
  assert.throws(() => uplinkRecords([{ name: 'probe', sequence: 1 }]), /'probe' is none that a ground link gives/);
});

test('a node file whose rights are too wide is not read', () =>
  inFolder((folder) => {
    const fleet = join(folder, 'fleet');
    ok('keys', 'init', fleet, '--cluster', '7', '--members', '3');
    ok('keys', 'node', fleet, '--cluster', '7', '--id', '1');
    const path = join(fleet, 'cluster-7', 'node-1.json');
    spawnSync('chmod', ['644', path]);
    assert.throws(() => readKeyFileOf(path, 'heliograph node'), /chmod 600/);
    assert.ok(readFileSync(path).length > 0);
  }));

test.run();

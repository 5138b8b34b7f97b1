import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { TYPE } from '../../host/cbor/generated.ts';
import { decodeSequence } from '../../host/cbor/message.ts';
import { LinkPlatform, type NodeLink, uplinkRecords } from '../../host/node/link.ts';
import { Memory } from '../../host/node/memory.ts';
import { makeKeyEpoch } from '../../host/security/key_epoch.ts';
import { readKeyFileOf } from '../../host/store/keys/file.ts';
import { nodeSignatures } from '../../host/security/signature.ts';
import { Store } from '../../host/store/store.ts';
import { RunningNode } from '../host/running_node.ts';
import { freePorts, inFolder, until } from '../host/support.ts';
import { testKeys } from './sealed.ts';

const test = suite('keys of a node process');
const command = join(rootFolder, 'dist', 'heliograph.mjs');
const members = 3;

function ok(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });
  assert.is(status, 0, stderr);
}

test('a key epoch sent to one of three processes reaches the other member and not the excluded one', () =>
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
    const nodes = args.map((words) => new RunningNode(words));
    try {
      const aliveTo = (id: number, other: number) =>
        nodes[id].saw('member-state', ({ member, state }) => member === other && state === 1);
      await until(() => [0, 1, 2].every((id) => [0, 1, 2].every((other) => other === id || aliveTo(id, other))), 120);
      ok('keys', 'revoke', fleet, '--cluster', '7', '--id', '2');
      cpSync(join(fleet, 'cluster-7', 'epoch-2.bundle.cbor'), uplink);
      const uses = (id: number) => nodes[id].saw('key-epoch-changed', (line) => line.keyEpoch === 2 && line.step === 2);
      await until(() => uses(0) && uses(1), 120);
      await until(
        () =>
          [0, 1].every((id) => nodes[id].saw('member-state', ({ member, state }) => member === 2 && Number(state) > 1)),
        120,
      );
      assert.not.ok(nodes[2].saw('key-epoch-changed', (line) => line.keyEpoch === 2));
      for (const node of nodes) assert.is(await node.end(), 0, node.said);
      // The restarted process has its reservation and its key epoch again: it begins beyond the
      // reservation.
      const again = new RunningNode(args[1]);
      nodes.push(again);
      await until(() => again.saw('booted'), 60);
      assert.is(await again.end(), 0, again.said);
      const bundle = readKeyFileOf(join(fleet, 'cluster-7', 'node-1.json'), 'heliograph node');
      const secrets = [
        bundle.seed,
        ...bundle.path.map(({ key }) => key),
        ...bundle.secrets.map(({ secret }) => secret),
      ];
      for (const secret of secrets)
        for (const form of ['hex', 'base64'] as const)
          assert.not.ok(nodes.some(({ said }) => said.includes(Buffer.from(secret).toString(form).slice(0, 42))));
    } finally {
      await Promise.all(nodes.map((node) => node.end()));
    }
  }));

test('a bundle is accepted by its member alone and requires a store for its counters and a mission epoch', () =>
  inFolder((folder) => {
    const fleet = join(folder, 'fleet');
    ok('keys', 'init', fleet, '--cluster', '7', '--members', '3');
    ok('keys', 'node', fleet, '--cluster', '7', '--id', '1');
    const keys = join(fleet, 'cluster-7', 'node-1.json');
    const run = (id: string, cluster: string, count: string, ...more: string[]) => {
      const place = ['--id', id, '--cluster', cluster, '--members', count, '--radio', 'udp://127.0.0.1:47000'];
      return spawnSync(process.execPath, [command, 'node', ...place, '--keys', keys, ...more], { encoding: 'utf8' });
    };
    const epoch = (time: string) => ['--epoch', time];
    const state = ['--state', join(folder, 'state'), ...epoch('2026-01-18T00:00:00Z')];
    for (const [result, reason] of [
      [run('0', '7', '3', ...state), /--id 0, but .*node-1\.json is for id 1/],
      [run('1', '8', '3', ...state), /--cluster 8, but .* is for cluster 7/],
      [run('1', '7', '4', ...state), /--members 4, but .* is for members 3/],
      [run('1', '7', '3', ...epoch('2026-01-18T00:00:00Z')), /needs --state DIR/],
      [run('1', '7', '3', '--state', join(folder, 'state')), /--keys FILE needs --epoch TIME/],
      [run('1', '7', '3', ...state.slice(0, 2), ...epoch('2999-01-01T00:00:00Z')), /is still to come/],
    ] as const) {
      assert.is(result.status, 2, result.stderr);
      assert.match(result.stderr, reason);
    }
  }));

const quiet = () => {};
const linkOf = (self = 0): NodeLink => ({
  ...{ cluster: 7, self, keys: testKeys.member(self), authorityPublicKey: testKeys.authorityPublicKey },
  seed: testKeys.nodeSeed(self),
  publicKeyOf: (member) => (member < members ? nodeSignatures.publicKey(testKeys.nodeSeed(member)) : undefined),
});
const nothing = new Uint32Array(0);

test('a reservation is stored before it is confirmed, survives a damaged checkpoint slot and never decreases', () =>
  inFolder((folder) => {
    const store = new Store(folder);
    const platform = new LinkPlatform(linkOf(), new Memory(store, quiet));
    const reserve = (cycle: number) => platform.obey(Uint32Array.of(TYPE.reserveCounters, cycle), () => nothing);
    const held = () => new Memory(new Store(folder), quiet).reserved;
    assert.equal(reserve(40), { name: 'counters-reserved', cycle: 40 });
    assert.is(held(), 40);
    assert.equal(reserve(30), { name: 'counters-reserved', cycle: 40 });
    assert.equal(reserve(50), { name: 'counters-reserved', cycle: 50 });
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
    assert.throws(() => broken.obey(Uint32Array.of(TYPE.reserveCounters, 9), () => nothing), /disk full/);
  }));

/** Bytes as inspect gives them: words. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}

/** Numbers, then bytes, as they stand in the firmware's memory. */
function inspected(numbers: number[], ...rest: Uint8Array[]): Uint8Array {
  // Not a Buffer: its slice() is a view, and what one turn alters the next would find altered.
  return Uint8Array.from(Buffer.concat([new Uint8Array(Uint32Array.from(numbers).buffer), ...rest]));
}

test("the authority's signature is verified over the statement that the firmware reports", () => {
  const all = Array.from({ length: 200 }, (_, member) => member);
  const { head, parts } = makeKeyEpoch(
    testKeys.authority,
    { keyEpoch: 2, startS: 9, secret: testKeys.secret(2) },
    all,
    new Set([4]),
  );
  const platform = new LinkPlatform(linkOf(), new Memory(null, quiet));
  const check = (epoch: number, bytes: Uint8Array) =>
    platform.obey(Uint32Array.of(TYPE.checkKeyEpoch, epoch), () => wordsOf(bytes));
  const answer = (epoch: number, ok: 0 | 1) => ({ name: 'key-epoch-checked', keyEpoch: epoch, ok });
  const bytes = inspected([head.keyEpoch, head.startS, head.parts], head.commitment, head.signature);
  assert.equal(check(2, bytes), answer(2, 1));
  assert.equal(check(3, bytes), answer(3, 0));
  assert.equal(check(2, bytes.subarray(0, 88)), answer(2, 0));
  for (let at = 0; at < bytes.length; at += 1) {
    const altered = bytes.slice();
    altered[at] ^= 1;
    assert.equal(check(2, altered), answer(2, 0), `byte ${at}`);
  }
  assert.is(
    platform.obey(Uint32Array.of(TYPE.stopWork, 1), () => nothing),
    null,
  );
  assert.is(uplinkRecords([head, ...parts]).length, 1 + parts.length);
  assert.equal(decodeSequence(uplinkRecords([head, ...parts])[0]), [head]);
  assert.throws(() => uplinkRecords([{ name: 'probe', sequence: 1 }]), /'probe' is none that a ground link gives/);
});

test('a bundle whose head and parts do not belong together is refused, and says which', () => {
  const bundle = (keyEpoch: number, excluded: number[]) => {
    const order = { keyEpoch, startS: 9, secret: testKeys.secret(2) };
    return makeKeyEpoch(testKeys.authority, order, [0, 1, 2, 3], new Set(excluded));
  };
  const { head, parts } = bundle(2, [1]);
  assert.ok(parts.length > 1);
  const other = bundle(3, [1]);
  assert.is(uplinkRecords([head, ...parts, other.head, ...other.parts]).length, 2 * (parts.length + 1));
  for (const [messages, reason] of [
    [[head], /the head of key epoch 2 counts \d+ parts, and 0 are here/],
    [[head, ...parts.slice(1)], /the head of key epoch 2 counts/],
    [[head, other.head, ...other.parts], /the head of key epoch 2 counts/],
    [parts, /a part of key epoch 2 does not stand behind the head/],
    [[head, parts[0], ...other.parts.slice(1)], /a part of key epoch 3 does not stand behind the head/],
    [[head, parts[0], parts[0]], /key epoch 2 has two parts for node \d+/],
  ] as const)
    assert.throws(() => uplinkRecords(messages), reason);
});

test('a store without counters is taken as lost, unless its keys are for tests; then a boot waits for no one', () =>
  inFolder((folder) => {
    const real = new Memory(new Store(join(folder, 'real')), quiet, false);
    assert.equal([real.hasHistory, real.nextIncarnation(), real.reserved], [false, 2, 0]);
    const simulated = new Memory(new Store(join(folder, 'simulated')), quiet);
    assert.equal([simulated.hasHistory, simulated.nextIncarnation()], [false, 1]);
    real.reserve(77);
    const again = new Memory(new Store(join(folder, 'real')), quiet, false);
    assert.equal([again.hasHistory, again.nextIncarnation(), again.reserved], [true, 3, 77]);
  }));

test('a member’s file that was mixed of two is refused with 3', () =>
  inFolder((folder) => {
    const fleet = join(folder, 'fleet');
    ok('keys', 'init', fleet, '--cluster', '7', '--members', '3');
    for (const id of ['1', '2']) ok('keys', 'node', fleet, '--cluster', '7', '--id', id);
    const read = (id: number) => JSON.parse(readFileSync(join(fleet, 'cluster-7', `node-${id}.json`), 'utf8'));
    const [mine, other] = [read(1), read(2)];
    const path = join(folder, 'mixed.json');
    for (const [change, reason] of [
      [{ path: other.path }, /its path keys are not those of member 1/],
      [{ seed: other.seed }, /its seed is not that of its public key/],
      [{ seed: other.seed, publicKey: other.publicKey }, /its roster has another key for member 1/],
      [{ roster: mine.roster.slice(1) }, /its roster is not that of 3 members/],
      [{ secrets: [mine.secrets[0], mine.secrets[0]] }, /it has one key epoch twice/],
    ] as const) {
      writeFileSync(path, JSON.stringify({ ...mine, ...change }), { mode: 0o600 });
      const place = ['--id', '1', '--cluster', '7', '--members', '3', '--radio', 'udp://127.0.0.1:47000'];
      const rest = ['--keys', path, '--state', join(folder, 'state'), '--epoch', '2026-01-18T00:00:00Z'];
      const { status, stderr } = spawnSync(process.execPath, [command, 'node', ...place, ...rest], {
        encoding: 'utf8',
      });
      assert.is(status, 3, stderr);
      assert.match(stderr, reason);
    }
  }));

test('a node signs its own statements only and verifies those of all members', () => {
  const [one, two] = [1, 2].map((self) => new LinkPlatform(linkOf(self), new Memory(null, quiet)));
  const digest = Uint8Array.from({ length: 16 }, (_, at) => at);
  const shown = (owner: number, signature: Uint8Array = new Uint8Array(64)) =>
    inspected([owner, 3, 524_290, 7200], digest, signature);
  const ask = (platform: LinkPlatform, command: number, bytes: Uint8Array) =>
    platform.obey(Uint32Array.of(command, 5), () => wordsOf(bytes));
  const signed = ask(one, TYPE.sign, shown(1));
  assert.ok(signed?.name === 'signed' && signed.ticket === 5);
  assert.is(ask(two, TYPE.sign, shown(1)), null, 'not in the name of another');
  const verified = (platform: LinkPlatform, bytes: Uint8Array) => ask(platform, TYPE.verify, bytes);
  assert.equal(verified(two, shown(1, signed.signature)), { name: 'verified', ticket: 5, ok: 1 });
  const whole = shown(1, signed.signature);
  for (let at = 0; at < whole.length; at += 1) {
    const altered = whole.slice();
    altered[at] ^= 1;
    // What no statement can say is not even looked at.
    const said = (at > 1 && at < 4) || (at > 4 && at < 8) ? null : { name: 'verified', ticket: 5, ok: 0 };
    assert.equal(verified(two, altered), said, `byte ${at}`);
  }
  assert.equal(verified(two, shown(2, signed.signature)), { name: 'verified', ticket: 5, ok: 0 });
  assert.equal(verified(two, shown(members, signed.signature)), { name: 'verified', ticket: 5, ok: 0 }, 'no member');
  assert.is(
    two.obey(Uint32Array.of(TYPE.verify, 5), () => nothing),
    null,
  );
});

test('a node file that others may read is refused', () =>
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

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import {
  CoverError,
  headPayload,
  headProtected,
  headStatement,
  makeKeyEpoch,
  openPart,
  verifyHead,
} from '../../host/security/key_epoch.ts';
import { clusterKeys } from '../../host/security/simulated_keys.ts';
import { makeSign1, readSign1 } from '../../host/security/sign1.ts';
import { nodeSignatures } from '../../host/security/signature.ts';
import { cover, exclusionsLeft, NODE_MAX, PARTS_MAX, pathNodes, unwrap, wrap } from '../../host/security/tree.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';

const test = suite('security: tree and epochs');
const all = (count: number) => Array.from({ length: count }, (_, member) => member);
const keys = clusterKeys(3, 9, 200);
const newKeyEpoch = { keyEpoch: 2, startS: 100, secret: keys.secret(2) };

/** Fewest subtrees by another way: from the leaves up. */
function fewest(members: readonly number[], excluded: ReadonlySet<number>): number {
  const below = (node: number): { wanted: boolean; barred: boolean; parts: number } => {
    if (node >= 256) {
      const barred = excluded.has(node - 256);
      const wanted = !barred && members.includes(node - 256);
      return { wanted, barred, parts: wanted ? 1 : 0 };
    }
    const [left, right] = [below(2 * node), below(2 * node + 1)];
    const [wanted, barred] = [left.wanted || right.wanted, left.barred || right.barred];
    return { wanted, barred, parts: barred ? left.parts + right.parts : wanted ? 1 : 0 };
  };
  return below(1).parts;
}

test('a path has nine nodes, from the leaf to the root', () => {
  assert.equal(pathNodes(0), [256, 128, 64, 32, 16, 8, 4, 2, 1]);
  assert.equal(pathNodes(255), [511, 255, 127, 63, 31, 15, 7, 3, 1]);
});

test('the covers of 300 random clusters are minimal, with every remaining member once and no excluded one', () => {
  const random = new RandomStream(1, 'tree');
  for (let turn = 0; turn < 300; turn += 1) {
    const members = all(1 + random.below(200));
    const excluded = new Set(random.permutation(members.length).slice(0, random.below(Math.min(members.length, 40))));
    const nodes = new Set(cover(members, excluded));
    for (const member of members)
      assert.is(pathNodes(member).filter((node) => nodes.has(node)).length, excluded.has(member) ? 0 : 1);
    assert.is(nodes.size, fewest(members, excluded));
  }
  assert.equal(cover(all(200), new Set()), [1]);
  assert.equal(cover(all(200), new Set(all(200))), []);
  assert.is(cover(all(256), new Set([77])).length, 8);
});

test('a wrapped secret opens under its own node only, and not with a flipped bit', () => {
  const key = keys.authority.pathKey(5);
  const wrapped = wrap(key, { cluster: 9, node: 5, keyEpoch: 2 }, newKeyEpoch.secret);
  assert.is(wrapped.length, 48);
  assert.equal(unwrap(key, 9, 5, 2, wrapped), newKeyEpoch.secret);
  assert.is(unwrap(keys.authority.pathKey(4), 9, 5, 2, wrapped), null);
  assert.is(unwrap(key, 9, 4, 2, wrapped), null);
  assert.is(unwrap(key, 9, 5, 3, wrapped), null);
  assert.is(unwrap(key, 8, 5, 2, wrapped), null);
  for (let bit = 0; bit < wrapped.length * 8; bit += 1) {
    const altered = wrapped.slice();
    altered[bit >> 3] ^= 1 << (bit & 7);
    assert.is(unwrap(key, 9, 5, 2, altered), null);
  }
});

test('all keys of a tree differ', () => {
  const found = new Set<string>();
  for (let node = 1; node <= NODE_MAX; node += 1) found.add(Buffer.from(keys.authority.pathKey(node)).toString('hex'));
  assert.is(found.size, NODE_MAX);
});

test('remaining members open a key epoch by head and parts; the excluded together cannot', () => {
  const excluded = new Set([0, 17, 199]);
  const { head, parts } = makeKeyEpoch(keys.authority, newKeyEpoch, all(200), excluded);
  assert.ok(verifyHead(keys.authorityPublicKey, 9, head));
  assert.is(head.parts, parts.length);
  const pathOf = (member: number) => new Map(keys.member(member).path.map(({ node, key }) => [node, key]));
  for (const member of [1, 16, 18, 100, 198]) {
    const secrets = parts.map((part) => openPart(pathOf(member), 9, head, part)).filter((secret) => secret !== null);
    assert.equal(secrets, [newKeyEpoch.secret]);
  }
  const together = new Map([...excluded].flatMap((member) => [...pathOf(member)]));
  for (const part of parts) assert.is(openPart(together, 9, head, part), null);
  // Whoever excluded nobody would have let them in.
  const open = makeKeyEpoch(keys.authority, newKeyEpoch, all(200), new Set());
  assert.equal(openPart(together, 9, open.head, open.parts[0]), newKeyEpoch.secret);
});

test('a part with another secret than the head commits to is refused', () => {
  const { head } = makeKeyEpoch(keys.authority, newKeyEpoch, all(200), new Set());
  const wrapped = wrap(keys.authority.pathKey(1), { cluster: 9, node: 1, keyEpoch: 2 }, keys.secret(3));
  const path = new Map([[1, keys.authority.pathKey(1)]]);
  assert.is(openPart(path, 9, head, { keyEpoch: 2, node: 1, wrapped }), null);
  assert.equal(unwrap(keys.authority.pathKey(1), 9, 1, 2, wrapped), keys.secret(3));
});

test('a head with any field changed, or signed by another authority, is refused', () => {
  const { head } = makeKeyEpoch(keys.authority, newKeyEpoch, all(200), new Set([5]));
  for (const other of [
    { ...head, keyEpoch: 3 },
    { ...head, startS: 99 },
    { ...head, parts: head.parts + 1 },
    { ...head, commitment: head.commitment.map((byte, at) => (at === 7 ? byte ^ 1 : byte)) },
    { ...head, signature: head.signature.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) },
  ])
    assert.not.ok(verifyHead(keys.authorityPublicKey, 9, other));
  assert.not.ok(verifyHead(keys.authorityPublicKey, 10, head));
  assert.not.ok(verifyHead(clusterKeys(4, 9, 200).authorityPublicKey, 9, head));
});

test('the authority signs cluster, key epoch, start, parts and commitment as deterministic CBOR', () => {
  const commitment = Uint8Array.from({ length: 16 }, (_, index) => index);
  const signed = (cluster: number, keyEpoch: number, startS: number, parts: number) =>
    Buffer.from(headPayload(cluster, { keyEpoch, startS, parts, commitment })).toString('hex');
  const text = `50${Buffer.from(commitment).toString('hex')}`;
  assert.is(signed(7, 23, 0, 1), `8507170001${text}`);
  assert.is(signed(24, 255, 0, 24), `85181818ff001818${text}`);
  assert.is(signed(256, 65_535, 65_536, 1), `8519010019ffff1a0001000001${text}`);
  assert.is(signed(65_535, 1, 0xffff_ffff, 36), `8519ffff011affffffff1824${text}`);
});

test('the signed statement carries its payload as a byte string in its shortest form', () => {
  const commitment = new Uint8Array(16);
  for (const [cluster, startS, head] of [
    [1, 1, '56'],
    [24, 1, '57'],
    [24, 24, '5818'],
    [256, 24, '5819'],
  ] as const) {
    const fields = { keyEpoch: 1, startS, parts: 1, commitment };
    const payload = Buffer.from(headPayload(cluster, fields)).toString('hex');
    const statement = Buffer.from(headStatement(cluster, fields)).toString('hex');
    assert.ok(statement.endsWith(`40${head}${payload}`), statement);
  }
});

test('the signature module makes the same signature over the COSE_Sign1 statement of a head', () => {
  const { head } = makeKeyEpoch(
    keys.authority,
    { ...newKeyEpoch, keyEpoch: 65534, startS: 4_000_000_000 },
    all(200),
    new Set([5]),
  );
  const payload = headPayload(9, head);
  const message = makeSign1(nodeSignatures, keys.authority.seed, Uint8Array.of(0, 9), payload);
  const { kid, payload: carried, signature } = readSign1(message);
  assert.equal([...kid], [0, 9]);
  assert.equal(carried, Uint8Array.from(payload));
  assert.equal(signature, head.signature);
  assert.ok(Buffer.from(message).includes(Buffer.from(headProtected(9))));
  assert.ok(headStatement(9, head).length < 64 + 21);
});

test('a key epoch without remaining members or with too many parts is refused', () => {
  assert.throws(
    () => makeKeyEpoch(keys.authority, newKeyEpoch, all(3), new Set([0, 1, 2])),
    (error: Error) => error instanceof CoverError,
  );
  const scattered = new Set(all(12).map((at) => 1 + at * 16));
  assert.throws(() => makeKeyEpoch(keys.authority, newKeyEpoch, all(200), scattered), /need \d+ parts, 32 are allowed/);
});

/**
 * Parts of the largest cover when `excluded` of the first `members` of 2^levels leaves are
 * excluded, wherever they lie; −1: there are not so many.
 */
function largest(levels: number, members: number, excluded: number): number {
  if (excluded > members) return -1;
  if (members === 0) return 0;
  if (excluded === 0) return 1;
  if (levels === 0) return 0;
  const half = 2 ** (levels - 1);
  const [near, far] = [Math.min(members, half), Math.max(0, members - half)];
  let most = -1;
  for (let left = Math.max(0, excluded - far); left <= Math.min(excluded, near); left += 1)
    most = Math.max(most, largest(levels - 1, near, left) + largest(levels - 1, far, excluded - left));
  return most;
}

test('docs/security.md says how many parts any exclusions take, and how many exclusions always fit', () => {
  const page = readFileSync(join(rootFolder, 'docs/security.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (200|128|100|64) \| (.*) \|$/gm)];
  assert.is(rows.length, 4);
  for (const [, members, cells] of rows) {
    const count = Number(members);
    const parts = Array.from({ length: 10 }, (_, index) => largest(8, count, index + 1));
    const always = exclusionsLeft(all(count), new Set());
    assert.equal(cells.split(' | '), [...parts.map(String), always === count - 1 ? 'all' : String(always)], members);
    const tooMany = parts.findIndex((each) => each > PARTS_MAX);
    assert.is(always, tooMany === -1 ? count - 1 : tooMany);
  }
  assert.ok(largest(8, 200, 4) <= 24 && largest(8, 200, 5) > 24, 'four of 200 are passed on by radio');
});

test('as many more members as are said to fit can be excluded, whichever; one more, chosen badly, does not fit', () => {
  const random = new RandomStream(2, 'exclusions');
  for (let turn = 0; turn < 40; turn += 1) {
    const members = 100 + random.below(101);
    const order = random.permutation(members);
    const excluded = new Set(order.slice(0, random.below(5)));
    const left = exclusionsLeft(all(members), excluded);
    for (let draw = 0; draw < 20; draw += 1) {
      const more = random
        .permutation(members)
        .filter((member) => !excluded.has(member))
        .slice(0, left);
      assert.ok(cover(all(members), new Set([...excluded, ...more])).length <= PARTS_MAX);
    }
    // The worst choice, one member after the other.
    const worst = new Set(excluded);
    for (let number = 0; number <= left; number += 1) {
      const sizes = all(members).map((member) =>
        worst.has(member) ? -1 : cover(all(members), new Set([...worst, member])).length,
      );
      worst.add(sizes.indexOf(Math.max(...sizes)));
      const size = cover(all(members), worst).length;
      assert.is(size > PARTS_MAX, number === left, `${members} members, ${excluded.size} excluded, ${left} left`);
    }
  }
  assert.is(exclusionsLeft(all(5), new Set([1])), 3);
  assert.is(exclusionsLeft(all(5), new Set(all(5))), 0);
});

test('the same seed gives the same keys; another seed or cluster gives others', () => {
  assert.is(clusterKeys(3, 9, 200), keys);
  const hexOf = (seed: number, cluster: number) =>
    Buffer.from(clusterKeys(seed, cluster, 5).linkKey(1)).toString('hex');
  assert.is(hexOf(3, 9), Buffer.from(keys.linkKey(1)).toString('hex'));
  assert.is(new Set([hexOf(1, 1), hexOf(2, 1), hexOf(1, 2)]).size, 3);
  assert.throws(() => clusterKeys(1, 1, 5).member(5), /member 5 is none of 0\.\.4/);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exponentialOf } from '../../hwsim/kernel/exponential.ts';
import { EventQueue, timerKind } from '../../hwsim/kernel/queue.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { TraceHash } from '../../hwsim/kernel/trace_hash.ts';

test('the queue is ordered by time, then node (the world first), then order of arrival', () => {
  const queue = new EventQueue(2);
  queue.push(5, 3, 30);
  queue.push(5, -1, 10);
  queue.push(5, 3, 31);
  queue.push(4.5, 9, 1);
  queue.push(5, 0, 20);
  const kinds: number[] = [];
  while (queue.pop()) kinds.push(queue.kind);
  assert.equal(kinds, [1, 10, 20, 30, 31]);
  assert.is(queue.pop(), false);
  assert.is(queue.nextMs, Number.POSITIVE_INFINITY);
});

test('20,000 random pushes, timers and pops give the order of a sorted array', () => {
  const random = new RandomStream(11, 'queue');
  const nodes = 7;
  const queue = new EventQueue(4, nodes);
  const oracle: { timeMs: number; node: number; sequence: number; isTimer: boolean }[] = [];
  const seen = { timers: 0, ties: 0, replaced: 0 };
  for (let sequence = 0; sequence < 20_000; sequence += 1) {
    const item = { timeMs: random.below(50), node: random.below(nodes + 1) - 1, sequence };
    const choice = random.below(6);
    if (choice === 0 && item.node >= 0) {
      const at = oracle.findIndex(({ node, isTimer }) => isTimer && node === item.node);
      assert.is(queue.timerMs(item.node), oracle[at]?.timeMs ?? Number.POSITIVE_INFINITY);
      if (at >= 0) oracle.splice(at, 1);
      seen.replaced += at >= 0 ? 1 : 0;
      const isSet = random.below(4) > 0;
      queue.setTimer(isSet ? item.timeMs : Number.POSITIVE_INFINITY, item.node);
      if (isSet) oracle.push({ ...item, isTimer: true });
      continue;
    }
    if (choice < 3 || oracle.length === 0) {
      queue.push(item.timeMs, item.node, 1, sequence, -sequence);
      oracle.push({ ...item, isTimer: false });
      continue;
    }
    oracle.sort((a, b) => a.timeMs - b.timeMs || a.node - b.node || a.sequence - b.sequence);
    const { timeMs, node, sequence: first, isTimer } = oracle.shift()!;
    const [next] = oracle;
    if (next?.timeMs === timeMs && next.node === node && next.isTimer !== isTimer) seen.ties += 1;
    seen.timers += isTimer ? 1 : 0;
    assert.is(queue.nextMs, timeMs);
    assert.ok(queue.pop());
    const expected = isTimer ? [timeMs, node, timerKind, 0, 0] : [timeMs, node, 1, first, -first];
    assert.equal([queue.timeMs, queue.node, queue.kind, queue.first, queue.second], expected);
  }
  assert.ok(Math.min(seen.timers, seen.ties, seen.replaced) > 20, JSON.stringify(seen));
});

test('of timers that are equal the lower node is due first, and one that is replaced is not due', () => {
  const queue = new EventQueue(4, 5);
  for (const node of [4, 0, 3]) queue.setTimer(7, node);
  queue.setTimer(9, 0);
  queue.setTimer(Number.POSITIVE_INFINITY, 3);
  const due: number[][] = [];
  while (queue.pop()) due.push([queue.timeMs, queue.node]);
  assert.equal(due, [
    [7, 4],
    [9, 0],
  ]);
  assert.is(queue.timerMs(4), Number.POSITIVE_INFINITY);
});

test('a stream repeats with the same seed, name and index, differs with any other, and draws evenly', () => {
  const draw = (seed: number, name: string, index: number) => {
    const stream = new RandomStream(seed, name, index);
    return [stream.uint32(), stream.uint32(), stream.uint32()].join();
  };
  assert.is(draw(1, 'a', 0), draw(1, 'a', 0));
  const all = [draw(1, 'a', 0), draw(2, 'a', 0), draw(1, 'b', 0), draw(1, 'a', 1)];
  assert.is(new Set(all).size, 4);
  const stream = new RandomStream(7, 'even');
  let sum = 0;
  for (let i = 0; i < 100_000; i += 1) sum += stream.fraction();
  assert.ok(Math.abs(sum / 100_000 - 0.5) < 0.005);
  assert.equal(
    stream.permutation(50).sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, index) => index),
  );
});

test("exponentialOf agrees with the engine's own to 1e-12 and refuses x > 0", () => {
  for (const x of [0, -1e-9, -0.3, -1, -7.5, -40, -300]) {
    assert.ok(Math.abs(exponentialOf(x) / Math.exp(x) - 1) < 1e-12, `e^${x}`);
  }
  assert.is(exponentialOf(-1000), 0);
  assert.throws(() => exponentialOf(0.1));
});

test('a trace hash depends on every bit, the length and the order, and not on bytes behind the end', () => {
  const digest = (words: number[], length: number) => {
    const hash = new TraceHash();
    hash.bytes(Int32Array.from(words), 0, length);
    return hash.digest();
  };
  assert.match(digest([1, 2], 8), /^[0-9a-f]{16}$/);
  assert.is(digest([1, 0x11223344], 7), digest([1, 0x7f223344], 7));
  assert.is.not(digest([1, 2], 8), digest([2, 1], 8));
  assert.is.not(digest([0, 0], 7), digest([0, 0], 8));
  const seen = new Set<string>();
  for (let bit = 0; bit < 64; bit += 1) seen.add(digest(bit < 32 ? [1 << bit, 0] : [0, 1 << (bit - 32)], 8));
  assert.is(seen.size, 64);
});

test.run();

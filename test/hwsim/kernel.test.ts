import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exponentialOf } from '../../hwsim/kernel/exponential.ts';
import { EventQueue } from '../../hwsim/kernel/queue.ts';
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

test('20,000 random pushes and pops give the order of a sorted array', () => {
  const random = new RandomStream(11, 'queue');
  const queue = new EventQueue(4);
  const oracle: { timeMs: number; node: number; sequence: number }[] = [];
  for (let sequence = 0; sequence < 20_000; sequence += 1) {
    if (random.below(3) > 0 || oracle.length === 0) {
      const item = { timeMs: random.below(500), node: random.below(8) - 1, sequence };
      queue.push(item.timeMs, item.node, 1, sequence, -sequence);
      oracle.push(item);
      continue;
    }
    oracle.sort((a, b) => a.timeMs - b.timeMs || a.node - b.node || a.sequence - b.sequence);
    const expected = oracle.shift();
    queue.pop();
    assert.equal(
      [queue.timeMs, queue.node, queue.first, queue.second],
      [expected?.timeMs, expected?.node, expected?.sequence, -(expected?.sequence ?? 0)],
    );
  }
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

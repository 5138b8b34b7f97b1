import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { STATUS } from '../../host/engine/status.ts';
import { SingleNode } from './single.ts';

const nodeWords = 0;
const outboxWord = 5;
const counterWords = 4;
const exchangesFull = 16;

function inspect(node: SingleNode, what: number): Uint32Array {
  const { calls, view, reserve } = node.engine;
  const at = reserve(512);
  const words = calls.inspect(node.ctx, what, 0, at, 512);
  return new Uint32Array(view().slice(at, at + words * 4).buffer);
}

/** What a frame with so many probes, each with a sequence of its own, leaves: answers that wait, and probes that were not heard out. */
function probed(count: number): { answers: number; refused: number } {
  const node = new SingleNode(12, []);
  node.tick(100);
  const waiting = inspect(node, nodeWords)[outboxWord];
  const probes = Array.from({ length: count }, (_, index) => ({ name: 'probe', sequence: 100 + index }) as const);
  assert.is(node.receiveMessages(3, probes, 100), STATUS.ok);
  return {
    answers: inspect(node, nodeWords)[outboxWord] - waiting,
    refused: inspect(node, counterWords)[2 * exchangesFull],
  };
}

test('SEC-1 holds: the probes that a member can have are answered', () => {
  assert.equal(probed(4), { answers: 4, refused: 0 });
});

test('SEC-1 violated: a frame full of probes gets four answers, and the rest is counted', () => {
  assert.equal(probed(30), { answers: 4, refused: 26 });
});

test.run();

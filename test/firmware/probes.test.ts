import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COUNTER, STATUS } from '../../host/cbor/generated.ts';
import { SingleNode } from './single.ts';

/**
 * Sends one frame with `count` probes; returns the answers in the outbox and the probes refused.
 */
function probed(count: number): { answers: number; refused: number } {
  const node = new SingleNode(12, []);
  node.tick(100);
  const waiting = node.node().outbox;
  const probes = Array.from({ length: count }, (_, index) => ({ name: 'probe', sequence: 100 + index }) as const);
  assert.is(node.receiveMessages(3, probes, 100), STATUS.ok);
  return {
    answers: node.node().outbox - waiting,
    refused: node.lossCount(COUNTER.exchangesFull),
  };
}

test('SEC-1 holds: the node answers as many probes as a member may have', () => {
  assert.equal(probed(4), { answers: 4, refused: 0 });
});

test('SEC-1 violated: a frame full of probes gets four answers, and the node counts the rest as lost', () => {
  assert.equal(probed(30), { answers: 4, refused: 26 });
});

test('INT-4 holds: probes of many members at once leave room in the outbox, and the newest get their acks', () => {
  const node = new SingleNode(12, []);
  node.tick(100);
  const waiting = node.node().outbox;
  for (let sender = 1; sender < 12; sender++)
    assert.is(node.receiveMessages(sender, [{ name: 'probe', sequence: 100 + sender }], 100), STATUS.ok);
  assert.is(node.node().outbox - waiting, 4);
});

test.run();

// SEC-1: what must outlive a restart (docs/abi.md), and what the image does when it did not.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COUNTER, MUTE_CAUSE, type Message, STATUS } from '../../host/cbor/generated.ts';
import { makeKeyEpoch } from '../../host/security/key_epoch.ts';
import { cause, PersistentNode, type Restart } from './persistence.ts';
import { testKeys } from './sealed.ts';

const test = suite('persistence contract');

/** Power fails here, and the node is back within the second. */
const failsS = 910;
const untilS = failsS + 600;

/** A node that flew for a quarter of an hour, with its checkpoints of half of that and of now. */
function flown() {
  const node = new PersistentNode();
  node.boot();
  node.runTo(450);
  const early = node.checkpoint();
  node.runTo(failsS);
  assert.ok(node.counters.length > 10, `${node.counters.length} frames`);
  return { node, early, late: node.checkpoint() };
}

/**
 * Restarts the node, its clock a minute behind, and returns the counters that were used twice, and
 * the counters after it.
 */
function restarted(node: PersistentNode, restart: Restart) {
  const before = node.counters.length;
  node.boot({ ...restart, facts: { missionMs: (failsS - 60) * 1000, ...restart.facts } });
  node.runTo(untilS);
  return { repeated: node.repeated(), after: node.counters.slice(before) };
}

test('SEC-1 holds: a reservation that a restored node lost is a loss, whatever its incarnation', () => {
  for (const [incarnation, why] of [
    [1, cause.powerOn],
    [1, cause.watchdog],
    [2, cause.watchdog],
  ]) {
    const { node, late } = flown();
    const { repeated, after } = restarted(node, {
      ...{ cause: why, checkpoint: late },
      facts: { incarnation, reserved: 0 },
    });
    assert.equal(repeated, []);
    assert.ok(after.length > 3, after.join());
  }
});

test('SEC-1 holds: a reservation older than the checkpoint is a loss', () => {
  const { node, early, late } = flown();
  const { repeated, after } = restarted(node, {
    ...{ cause: cause.watchdog, checkpoint: late },
    facts: { incarnation: 1, reserved: 20 },
  });
  assert.equal(repeated, []);
  assert.ok(after.length > 3, after.join());
  // The image cannot see that memory went back by less than the checkpoint knows.
  const other = flown().node;
  const back = restarted(other, { checkpoint: early, facts: { incarnation: 2, reserved: other.reserved - 12 } });
  assert.ok(back.repeated.length > 0, 'the contract is stated, not enforced, here');
});

test('SEC-1 holds: a boot without a reservation is a loss unless it is a first power-on', () => {
  for (const restart of [
    { cause: cause.watchdog, facts: { incarnation: 1, reserved: 0 } },
    { cause: cause.powerOn, facts: { incarnation: 2, reserved: 0 } },
  ]) {
    const { node } = flown();
    const { repeated, after } = restarted(node, restart);
    assert.equal(repeated, []);
    assert.ok(after.length > 3, after.join());
  }
});

test('SEC-1 violated: a platform that calls a restart its first power-on has counters used twice', () => {
  const { node } = flown();
  const { repeated } = restarted(node, { facts: { incarnation: 1, reserved: 0 } });
  assert.ok(repeated.length > 0);
});

test('a platform that does not answer reserve-counters makes an event, and one that answers later ends it', () => {
  const node = new PersistentNode();
  node.answers = false;
  node.boot();
  node.runTo(600);
  assert.equal(node.counters, []);
  assert.equal(node.mutes, [{ name: 'mute', cause: MUTE_CAUSE.noReservation, untilS: 0 }]);
  node.answers = true;
  node.runTo(900);
  assert.equal(node.mutes.at(-1), { name: 'mute', cause: MUTE_CAUSE.none, untilS: 0 });
  // It answered until now: then the reservation runs out.
  node.answers = false;
  node.runTo(1800);
  assert.equal(node.mutes.at(-1)?.cause, MUTE_CAUSE.noReservation);
});

test('a node that learns the time from no member makes an event; so does one without a key', () => {
  const node = new PersistentNode();
  node.boot({ cause: cause.watchdog, facts: { incarnation: 2, timeKnown: false, reserved: 400 } });
  node.runTo(600);
  assert.equal(node.mutes, [{ name: 'mute', cause: MUTE_CAUSE.noTime, untilS: 0 }]);
  const keyless = new PersistentNode({ secrets: [], path: [] });
  keyless.boot();
  keyless.runTo(600);
  assert.equal(keyless.mutes, [{ name: 'mute', cause: MUTE_CAUSE.noKey, untilS: 0 }]);
});

test('a node that waits behind its reservation says until when, and speaks by then', () => {
  const { node } = flown();
  const before = node.counters.length;
  node.boot({ cause: cause.watchdog, facts: { incarnation: 2, reserved: node.reserved } });
  node.runTo(failsS + 60);
  const [{ cause: why, untilS: ends }] = node.mutes;
  assert.is(why, MUTE_CAUSE.countersUsed);
  assert.ok(ends > failsS && ends <= failsS + 180, `${ends}`);
  node.runTo(ends + 60);
  assert.ok(node.counters.length > before);
  node.runTo(ends + 120);
  assert.is(node.mutes.at(-1)?.cause, MUTE_CAUSE.none);
});

test('a part that comes before its head is verified is refused, counted, and taken when it is given again', () => {
  const node = new PersistentNode();
  node.boot();
  node.runTo(60);
  const key = { keyEpoch: 2, startS: 30, secret: testKeys.secret(2) };
  const { head, parts } = makeKeyEpoch(testKeys.authority, key, [0, 1], new Set());
  const give = () => parts.map((part) => node.observe(part as Message));
  assert.is(node.observe(head as Message), STATUS.ok);
  assert.equal(
    give(),
    parts.map(() => STATUS.implausible),
  );
  assert.is(node.lossCount(COUNTER.keyEpochChecks), parts.length);
  assert.is(node.lossCount(COUNTER.recordRejected), parts.length);
  assert.is(node.observe({ name: 'key-epoch-checked', keyEpoch: 2, ok: 1 }), STATUS.ok);
  assert.equal(
    give(),
    parts.map(() => STATUS.ok),
  );
  node.runTo(180);
  assert.is(node.keys().newestKeyEpoch, 2);
  // A part of a key epoch that the node has already is no loss.
  assert.equal(
    give(),
    parts.map(() => STATUS.ok),
  );
});

test.run();

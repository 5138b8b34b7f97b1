// One node in this process, on a clock that the test sets.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ANSWER, COUNTER, CYCLE_S, INSPECT } from '../../host/cbor/generated.ts';
import { nameRecord } from '../../host/cli/record_text.ts';
import type { Clock } from '../../host/clock/clock.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { Memory } from '../../host/node/memory.ts';
import { NodeShim } from '../../host/node/shim.ts';
import { LoopbackMedium } from '../../host/radio/loopback.ts';
import { sealedFrame } from '../security/sealed.ts';
import { config, link } from './pair.ts';

/** A node whose time is `nowMs`; `wake` does what its timer would. */
function started() {
  const state = { nowMs: 60_000, wake: () => {}, events: [] as string[] };
  const clock: Clock = {
    elapsedMs: () => state.nowMs,
    wakeAt(_atMs, wake) {
      state.wake = wake;
      return { cancel: () => {} };
    },
  };
  const log = (what: string) => void state.events.push(what);
  const shim = new NodeShim({
    ...{ engine: loadV8Engine('tiny'), clock, memory: new Memory(null, log), config, groups: [], link, log },
    ...{ timeSource: 'wall', timeScale: 1, wallMissionMs: () => state.nowMs, nameEvent: nameRecord },
  });
  const radio = new LoopbackMedium().join(() => {});
  shim.start(radio, (error) => {
    throw error;
  });
  const { inspect, heldBack } = shim.telemetry(radio);
  const lost = (counter: number) => inspect(INSPECT.counters, 0)[2 * counter];
  const heard = () =>
    sealedFrame({ counter: Math.floor(state.nowMs / 1000 / CYCLE_S) }, [{ name: 'probe', sequence: 1 }]);
  const knowsTime = () => inspect(INSPECT.node, 0)[ANSWER.node.timeKnown] === 1;
  return { state, shim, radio, heldBack, lost, heard, knowsTime };
}

test('a node that was paused for days hears nothing until it has made up for them, and then hears again', () => {
  const { state, shim, radio, heldBack, lost, heard, knowsTime } = started();
  const sent = radio.counters.framesSent;
  state.nowMs += 30 * 86_400_000;
  shim.receive(heard());
  assert.is(lost(COUNTER.frameAhead), 0);
  // A frame of the future would make the node take its own clock as wrong.
  assert.ok(knowsTime());
  assert.ok(state.events.includes('paused'));
  for (let turn = 0; turn < 100; turn += 1) state.wake();
  assert.ok(radio.counters.framesSent <= sent + 1, 'only what is due at the present leaves');
  assert.ok(heldBack.frames > 1000, `${heldBack.frames}`);
  // Within the reservation of the present.
  for (let turn = 0; turn < 6; turn += 1) {
    state.nowMs += 10_000;
    state.wake();
  }
  const before = Object.values(COUNTER).map(lost);
  shim.receive(heard());
  assert.equal(Object.values(COUNTER).map(lost), before);
  assert.ok(radio.counters.framesSent > sent);
  assert.is(state.events.filter((what) => what === 'paused').length, 1);
});

test('a node that is late by less than a busy machine is holds nothing back', () => {
  const { state, radio, heldBack } = started();
  for (let turn = 0; turn < 60; turn += 1) {
    state.nowMs += 14_000;
    state.wake();
  }
  assert.equal(heldBack, { orders: 0, frames: 0 });
  assert.ok(radio.counters.framesSent > 5 && !state.events.includes('paused'));
});

test.run();

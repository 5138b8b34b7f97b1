// SEC-1: no nonce is used twice and no frame is accepted twice, whenever the power fails.
// long: HELIOGRAPH_CRASHES=1000000

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crashAgain } from './counters.ts';

const test = suite('counters');

const crashes = Number(process.env.HELIOGRAPH_CRASHES ?? 10_000);

test(`SEC-1 holds: over ${crashes} crashes with torn writes no nonce is reused and no frame accepted twice`, () => {
  const outcome = crashAgain({ seed: 1, crashes });
  if (process.env.HELIOGRAPH_CRASHES !== undefined) console.log(JSON.stringify(outcome));
  assert.is(outcome.noncesReused, 0);
  assert.is(outcome.replaysTaken, 0);
  // The trial would notice nothing if nothing happened.
  assert.ok(outcome.tornWrites > crashes / 100 && outcome.inReservation > crashes / 30, JSON.stringify(outcome));
  assert.ok(outcome.framesTaken > crashes / 20 && outcome.replaysRefused > crashes / 10, JSON.stringify(outcome));
});

test('SEC-1 violated: a memory that loses reservations is detected', () => {
  const outcome = crashAgain({ seed: 1, crashes: 4000, recall: (reserved) => Math.max(1, reserved - 12) });
  assert.ok(outcome.noncesReused > 0 && outcome.replaysTaken > 0, JSON.stringify(outcome));
});

test.run();

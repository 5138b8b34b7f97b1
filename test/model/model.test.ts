// needs: spin
// long: HELIOGRAPH_MODEL_LONG=1
// Checks the models of settling, leases, restarts, vote revocation and decisions of a cluster by
// SPIN (INT-5, FLT-2).
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { livelyMutant, longMutants, longProbes, longWorlds, mutants, openHoles, probes, worlds } from './cases.ts';
import { type Check, type Verdict, verdictOf } from './spin.ts';

const test = suite('model');
const isLong = process.env.HELIOGRAPH_MODEL_LONG !== undefined;

/** Prints what a check cost, for test/model/README.md. */
function report(name: string, { states, seconds, memoryMb, hashFactor }: Verdict): void {
  const coverage = hashFactor === 0 ? '' : `, hash factor ${hashFactor}`;
  console.log(`${name}: ${states} states, ${seconds} s, ${memoryMb} MB${coverage}`);
}

async function assertVerified(name: string, check: Check): Promise<void> {
  const verdict = await verdictOf(check);
  report(name, verdict);
  assert.is(verdict.errors, 0, `${name} is refuted:\n  ${verdict.steps.join('\n  ')}\nagain: ${verdict.command}`);
  assert.ok(verdict.states > 1000, `${name} has only ${verdict.states} states; again: ${verdict.command}`);
}

async function assertRefuted(name: string, check: Check): Promise<void> {
  const verdict = await verdictOf(check);
  report(name, verdict);
  assert.ok(verdict.errors > 0, `SPIN does not refute ${name}; again: ${verdict.command}`);
  assert.ok(verdict.steps.length > 0, `the trail of ${name} has no words; again: ${verdict.command}`);
}

test('INT-5 holds: no unit is worked by two in any run of the models', async () => {
  for (const { name, check } of worlds.filter((world) => !world.check.lively)) await assertVerified(name, check);
});

test('on a healed network somebody works the unit again and again', async () => {
  for (const { name, check } of worlds.filter((world) => world.check.lively)) await assertVerified(name, check);
  await assertRefuted(livelyMutant.name, livelyMutant.check);
});

test('INT-5 violated: without any one assumption of the proofs SPIN finds a unit worked by two', async () => {
  for (const { name, check } of mutants) await assertRefuted(name, check);
});

test('the known open hole is refuted: lies about agreement', async () => {
  for (const { name, check } of openHoles) await assertRefuted(name, check);
});

test('the models reach what they are about', async () => {
  for (const { name, check } of probes) await assertRefuted(name, check);
});

if (isLong)
  test('INT-5 holds: no unit is worked by two with more faults at once, and with four nodes', async () => {
    for (const { name, check } of longWorlds) await assertVerified(name, check);
    for (const { name, check } of [...longMutants, ...longProbes]) await assertRefuted(name, check);
  });

test.run();

// A short campaign: fixed mutants of small modules, with the tests that state their rules.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { runCampaign } from './campaign.ts';
import { readEquivalents } from './equivalents.ts';
import type { Mutant, Operator } from './operators.ts';
import { summarise } from './report.ts';
import { moduleNames, mutantsOfModule } from './modules.ts';

const folder = join(rootFolder, 'dist', `mutants-${process.pid}`);

/** The one mutant of a module with this operator and text. */
function find(room: string, operator: Operator, original: string): Mutant {
  const found = mutantsOfModule(room).filter((each) => each.operator === operator && each.original === original);
  assert.ok(found.length > 0, `${room} has no mutant '${operator}' of '${original}'`);
  return found[0];
}

/** Mutants that tests of the watchdog and of the channel notice. */
const noticed = [
  find('watchdog', 'negation', 'cause != RECOVERY_CAUSE_NONE'),
  find('watchdog', 'negation', '(state.modules & modules) != modules'),
  find('watchdog', 'removal', 'climb(ctx, RECOVERY_LEVEL_PROCESSOR_RESET, CAUSE_EXPIRED, 0);'),
  find('watchdog', 'dropped-guard', 'silentS >= TASK_SILENCE_S_MAX'),
  find('watchdog', 'removal', 'commandDone(ctx, at, encodeFeedWatchdog(at, at + COMMAND_BYTES_MAX - 1, m));'),
  find('watchdog', 'negation', 'stateSane(ctx)'),
  find('channel', 'removal', 'this.#collided[other] = 1;'),
];

test('a campaign kills the mutants that break a rule, names the test, and keeps the others apart', async () => {
  const lives = find('watchdog', 'constant', '0xffff');
  const unmet = find('intent', 'dropped-guard', 'resourceUnit(record.resource) == 0');
  const fates = await runCampaign({
    mutants: [...noticed, lives, unmet],
    tests: ['test/watchdog/ladder.test.ts', 'test/hwsim/channel.test.ts'],
    images: ['flight'],
    folder,
    isResumed: false,
    jobs: 1,
    secondsMax: 30,
    onProgress: () => {},
  });
  const fateOf = (mutant: Mutant) => fates.find((each) => each.mutant.id === mutant.id)!;
  for (const mutant of noticed) {
    const { fate, killedBy } = fateOf(mutant);
    assert.is(fate, 'killed', mutant.id);
    assert.is(killedBy?.file, `test/${mutant.room === 'channel' ? 'hwsim/channel' : 'watchdog/ladder'}.test.ts`);
  }
  assert.is(fateOf(lives).fate, 'survived');
  assert.is(fateOf(unmet).fate, 'unmet');
  const results = summarise(fates, new Map([[lives.id, 'The number of a feed is compared with nothing on board.']]));
  const [watchdog] = results;
  assert.equal([watchdog.mutants, watchdog.killed, watchdog.equivalent, watchdog.survivors.length], [7, 6, 1, 0]);
  const intent = results.find(({ name }) => name === 'intent')!;
  assert.equal([intent.killed, intent.survivors[0].isMet], [0, false]);
});

test('every mutant that is listed as equivalent exists', () => {
  const known = new Set(moduleNames.flatMap((name) => mutantsOfModule(name).map(({ id }) => id)));
  const stale = [...readEquivalents().keys()].filter((id) => !known.has(id));
  assert.equal(stale, []);
});

test.after(() => rmSync(folder, { recursive: true, force: true }));
test.run();

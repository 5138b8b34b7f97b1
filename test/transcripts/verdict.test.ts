import { test } from 'uvu';
import { readImage } from '../../host/engine/image.ts';
import { flyAndJudge } from '../../hwsim/report/fly_and_judge.ts';
import { verdictText } from '../../hwsim/report/verdict_text.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { scenarioSchema } from '../../hwsim/scenario/schema.ts';
import { same } from './same.ts';

/** The names in a JSON value, one path a line; of a list, those of all its members together. */
function names(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((one) => names(one, `${path}[]`)))];
  if (value === null || typeof value !== 'object') return [`${path}: ${value === null ? 'null' : typeof value}`];
  return Object.entries(value).flatMap(([key, inner]) => names(inner, path === '' ? key : `${path}.${key}`));
}

test('the verdict reads as in test/transcripts/verdict.txt, and --json has the names listed there', () => {
  const disruptions = [
    { kind: 'node-death', when: { atDay: 0.1 } },
    { kind: 'lot-depleted', when: { atDay: 0.15 } },
    { kind: 'hung-task', when: { atDay: 0.27 } },
  ];
  const scenario = scenarioSchema.parse({
    ...loadScenario('quiet'),
    name: 'verdict',
    seed: 1,
    nodes: 12,
    days: 0.3,
    disruptions,
  });
  const body = loadBody(scenario.body, undefined, () => {});
  const verdict = flyAndJudge({ scenario, body, image: readImage('flight') }, null);
  const text = verdictText(
    { ...verdict, speed: { ...verdict.speed, wallS: 1 } },
    'npx heliograph sim verdict --seed 1 --days 0.3 --nodes 12',
  );
  same('verdict', `${text}\n\n${names(verdict).sort().join('\n')}\n`);
});

test.run();

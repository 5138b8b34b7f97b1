import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createV8Engine } from '../../host/engine/v8.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { readImage } from '../../host/engine/image.ts';
import { runScenario } from '../../hwsim/fleet/run.ts';
import { scenarioSchema } from '../../hwsim/scenario/schema.ts';
import { same } from './same.ts';
import { Transcript } from './transcript.ts';

/**
 * Short runs, line by line. A line that moves shows what a change did; `npm test -- transcripts
 * --rewrite` accepts it.
 */
const runs: Record<string, object[]> = {
  losses: [
    { kind: 'node-death', when: { atDay: 0.2 } },
    { kind: 'reset', when: { atDay: 0.35 }, downS: 120 },
    { kind: 'lot-depleted', when: { atDay: 0.4 } },
  ],
  split: [{ kind: 'occultation', when: { atDay: 0.3 }, hours: 3, share: 0.34, predictedHours: 2 }],
  hangs: [
    { kind: 'hung-task', when: { atDay: 0.2 } },
    { kind: 'hung-runtime', when: { atDay: 0.3 } },
  ],
};

for (const [name, disruptions] of Object.entries(runs)) {
  test(`the run '${name}' matches test/transcripts/${name}.txt`, () => {
    const scenario = scenarioSchema.parse({ ...loadScenario('quiet'), name, nodes: 12, days: 0.5, disruptions });
    const body = loadBody(scenario.body, undefined, () => {});
    const transcript = new Transcript();
    const engine = createV8Engine(readImage('flight'));
    const { traceHash } = runScenario(scenario, {
      seed: 1,
      days: 0.5,
      nodes: 12,
      body,
      engine,
      consumers: [transcript],
    });
    const text = `${transcript.text()}trace hash ${traceHash}\n`;
    same(name, text);
    assert.ok(text.split('\n').length < 200, 'a transcript is to be read');
  });
}

test.run();

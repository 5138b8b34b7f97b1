import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LIVENESS, TYPE } from '../../host/cbor/generated.ts';
import { createV8Engine } from '../../host/engine/v8.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { readImage } from '../../host/engine/image.ts';
import { runScenario } from '../../hwsim/fleet/run.ts';
import { scenarioSchema } from '../../hwsim/scenario/schema.ts';

const [onsetDay, resetsAtS] = [0.5, 43_200];
const scenario = scenarioSchema.parse({
  ...loadScenario('quiet'),
  nodes: 24,
  days: 0.6,
  disruptions: [{ kind: 'reset', when: { atDay: onsetDay }, downS: 120 }],
});

test('INT-4, MBR-1 holds: a node that restarts from its checkpoint keeps its table and views, and works again', () => {
  let restarted = -1;
  let settledS = 0;
  const evicted: string[] = [];
  const absent: string[] = [];
  const heard = new Set<number>();
  const consumer = {
    event(timeMs: number, node: number, fields: Uint32Array): void {
      const timeS = timeMs / 1000;
      if (timeS < resetsAtS) return;
      if (fields[0] === TYPE.booted) restarted = node;
      if (fields[0] === TYPE.onset && fields[3] === restarted && node !== restarted) heard.add(node);
      if (node !== restarted) return;
      if (fields[0] === TYPE.settled && settledS === 0) settledS = timeS;
      if (fields[0] === TYPE.stored && fields[4] === 0) evicted.push(`${fields[1]}/${fields[2]} at ${timeS} s`);
      if (fields[0] === TYPE.memberState && fields[2] > LIVENESS.suspect) absent.push(`${fields[1]} at ${timeS} s`);
    },
    command(): void {},
    world(): void {},
    end(): void {},
  };
  const body = loadBody(scenario.body, undefined, () => {});
  runScenario(scenario, {
    seed: 3,
    days: 0.6,
    nodes: 24,
    body,
    engine: createV8Engine(readImage('flight')),
    consumers: [consumer],
  });
  assert.ok(restarted >= 0);
  assert.equal(evicted, []);
  assert.equal(absent, []);
  assert.ok(settledS > 0 && settledS < resetsAtS + 2700, `its work settled again at ${settledS} s`);
  assert.is(heard.size, 23);
});

test.run();

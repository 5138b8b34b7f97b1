// What a scenario's validation passes can be flown. Each number of the schema is set to its
// lowest and its highest value, and the scenario is flown, or refused by the validation itself.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import type { z } from 'zod';
import { readImage } from '../../host/engine/image.ts';
import { flyAndJudge } from '../../hwsim/report/fly_and_judge.ts';
import { meteredEngines } from '../../hwsim/report/metered.ts';
import { parseScenario, ScenarioError } from '../../hwsim/scenario/load.ts';
import { type Scenario, scenarioSchema } from '../../hwsim/scenario/schema.ts';
import { shippedBody } from '../../hwsim/world/bodies.ts';

const test = suite('scenario bounds');

type Path = readonly (string | number)[];
interface Field {
  path: Path;
  min: number;
  max: number;
}

/** A field of a disruption has the kind in its path: `disruptions`, kind, field. */
function fieldsOf(schema: z.ZodType, path: Path = []): Field[] {
  const def = schema.def as unknown as Record<string, unknown>;
  if (def.innerType !== undefined) return fieldsOf(def.innerType as z.ZodType, path);
  if (def.type === 'object') {
    const shape = def.shape as Record<string, z.ZodType>;
    const kind = (shape.kind?.def as { values?: string[] } | undefined)?.values?.[0];
    const at = kind === undefined ? path : [...path.slice(0, -1), kind];
    return Object.entries(shape).flatMap(([key, inner]) => fieldsOf(inner, [...at, key]));
  }
  if (def.type === 'array') return fieldsOf(def.element as z.ZodType, [...path, 0]);
  if (def.type === 'union') return (def.options as z.ZodType[]).flatMap((option) => fieldsOf(option, path));
  if (def.type !== 'number') return [];
  const { minValue, maxValue } = schema as unknown as { minValue: number; maxValue: number };
  return [{ path, min: minValue, max: maxValue }];
}

const kinds = ['node-death', 'reset', 'hung-task', 'hung-runtime', 'occultation', 'lot-depleted', 'tug-lost', 'storm'];
const own: Record<string, object> = {
  occultation: { hours: 0.2, share: 0.3, predictedHours: 0.1 },
  storm: { event: '2026-01-18T22:55Z', silenceHours: 0.2, resetShare: 0.5, riseHours: 0.5 },
  'hung-task': { failing: [1] },
};

/** A scenario that gives every field of the schema a place. */
function base(): Record<string, unknown> {
  return {
    heliograph: 1,
    name: 'bounds',
    title: 'Every section, for a short while',
    days: 0.05,
    epoch: '2026-01-01T00:00:00Z',
    body: 'Eros',
    nodes: 5,
    generations: [
      {
        ...{ generation: 1, share: 1, rateKgPerDay: 200, storageKg: 8000, batteryWh: 5000, solarW: 2000 },
        ...{ baseW: 100, replicateW: 100, mineWhPerKg: 20 },
      },
    ],
    world: { lots: 2, saturation: 0.8, sitesPerNode: 2, tugs: 3, depotKgPerDay: 5000 },
    radio: {},
    clock: {},
    disruptions: kinds.map((kind, index) => ({ kind, when: { atDay: 0.01 + index * 0.002 }, ...own[kind] })),
  };
}

/** The base scenario with one field replaced. Sections that slow a run down have only their own. */
function scenarioWith({ path }: Field, value: number): Record<string, unknown> {
  const scenario = base();
  const [section] = path;
  if (section === 'upsets') scenario.upsets = { perBitDay: 1e-6 };
  if (section === 'insider') scenario.insider = { fromDay: 0.01, excludedAfterHours: 0.1 };
  if (section === 'boards') return { ...scenario, boards: [{ node: value, target: 'm7' }] };
  let here = scenario as Record<string | number, unknown>;
  const steps: Path = section === 'disruptions' ? [section, kinds.indexOf(String(path[1])), ...path.slice(2)] : path;
  for (const step of steps.slice(0, -1)) {
    here[step] ??= {};
    here = here[step] as Record<string | number, unknown>;
  }
  const last = steps.at(-1)!;
  if (last === 'fromDay' && section === 'disruptions') Object.assign(here, { toDay: value });
  if (last === 'toDay' && section === 'disruptions') Object.assign(here, { fromDay: 0 });
  if (section === 'disruptions' && (last === 'fromDay' || last === 'toDay')) delete here.atDay;
  here[last] = value;
  return scenario;
}

function checked(raw: object): Scenario | ScenarioError {
  try {
    return parseScenario(stringify(raw), 'bounds.yaml');
  } catch (error) {
    if (error instanceof ScenarioError) return error;
    throw error;
  }
}

const nameOf = ({ path }: Field) => path.join('.');
const fields = fieldsOf(scenarioSchema).filter(
  (field, index, all) => all.findIndex((other) => nameOf(other) === nameOf(field)) === index,
);
const image = readImage('flight');
const body = shippedBody('Eros');

/** A run of ten years is not flown. */
const isFlown = (field: Field, value: number) => nameOf(field) !== 'days' || value < 1;

async function fly(scenario: Scenario): Promise<void> {
  const ownEngine = scenario.upsets && (await meteredEngines('v8', image));
  flyAndJudge({ scenario, body, image, ownEngine, silent: true }, null);
}

test('each number of a scenario has finite bounds', () => {
  assert.ok(fields.length > 60, `${fields.length} fields`);
  for (const field of fields) {
    // What zod calls a bound of any integer is none.
    assert.ok(Number.isFinite(field.min) && field.min > -Number.MAX_SAFE_INTEGER, `${nameOf(field)} from ${field.min}`);
    assert.ok(Number.isFinite(field.max) && field.max < Number.MAX_SAFE_INTEGER, `${nameOf(field)} to ${field.max}`);
  }
});

test('a scenario at each bound of each number flies, or its validation says why not', async () => {
  let flown = 0;
  const refused: string[] = [];
  for (const field of fields) {
    for (const value of [field.min, field.max]) {
      const scenario = checked(scenarioWith(field, value));
      if (scenario instanceof ScenarioError) {
        refused.push(`${nameOf(field)} ${value}: ${scenario.message}`);
        continue;
      }
      if (!isFlown(field, value)) continue;
      try {
        await fly(scenario);
      } catch (error) {
        assert.unreachable(`${nameOf(field)} ${value}: ${(error as Error).stack}`);
      }
      flown += 1;
    }
  }
  for (const reason of refused) assert.match(reason, /bounds\.yaml:\d+:\d+ \S+: .*\(/);
  assert.ok(flown > 90, `${flown} flown; refused: ${refused.join('\n')}`);
});

test('a number beyond its bounds is refused, with place and next step', () => {
  for (const field of fields) {
    for (const value of [field.min - 1, field.max + 1, 2 ** 32, 1e300, Number.NaN, Number.NEGATIVE_INFINITY]) {
      if (value >= field.min && value <= field.max) continue;
      const found = checked(scenarioWith(field, value));
      assert.instance(found, ScenarioError, `${nameOf(field)} ${value}`);
      assert.match((found as ScenarioError).message, /^bounds\.yaml:\d+:\d+ \S+/);
    }
  }
});

test.run();

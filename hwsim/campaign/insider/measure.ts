/** Flies a small cluster in which one member sends a mutated field, and measures its cost. */
import { INTENT_STATE, OWN_SLOTS, FIELD, TYPE, WORK_KIND } from '../../../host/cbor/generated.ts';
import type { ImageName } from '../../../host/build/root.ts';
import { readImage } from '../../../host/engine/image.ts';
import { createFleetEngine } from '../../board/fleet_engine.ts';
import { type FieldMutation, noMutation } from '../../fault/field_mutation.ts';
import { runScenario } from '../../fleet/run.ts';
import type { TraceConsumer } from '../../kernel/trace.ts';
import { shippedScenario } from '../../scenario/load.ts';
import { scenarioSchema } from '../../scenario/schema.ts';
import type { Body } from '../../world/bodies.ts';

/** What one Byzantine member cost the honest ones. */
export interface Worst {
  /** Started claims that their owners had to claim anew. */
  leasesLost: number;
  /** Share of the honest members' working time lost from the first lie to the end, 0 to 1. */
  productionShare: number;
  /** For how long fewer honest members worked than without the lies, seconds. */
  durationS: number;
}

/** The goal: one Byzantine member costs no honest lease, and 2 % of production for an hour. */
export const goal: Worst = { leasesLost: 0, productionShare: 0.02, durationS: 3600 };

/** Whether a cost is within a limit. */
export function isWithin({ leasesLost, productionShare, durationS }: Worst, limit: Worst): boolean {
  return leasesLost <= limit.leasesLost && productionShare <= limit.productionShare && durationS <= limit.durationS;
}

const nodes = 8;
const byzantine = 5;
const hourS = 3600;
const minuteS = 60;
/** The lies begin when all work and go on for an hour; the flight ends well after a lease would. */
const fromS = 2 * hourS;
const toS = 3 * hourS;
const endS = 4.5 * hourS;
const dayS = 86_400;

/** Follows the honest members' mining by their commands, and claims that are made anew. */
class HonestWork implements TraceConsumer {
  leasesLost = 0;
  /** Working members at each minute. */
  readonly working: number[] = [];
  readonly #untilS = new Map<number, number>();
  readonly #states = new Map<number, number>();

  #moveTo(timeMs: number): void {
    const minute = Math.floor(timeMs / 1000 / minuteS);
    while (this.working.length < minute) {
      const atS = this.working.length * minuteS;
      this.working.push([...this.#untilS.values()].filter((untilS) => untilS > atS).length);
    }
  }

  command(timeMs: number, node: number, fields: Uint32Array): void {
    if (node === byzantine) return;
    this.#moveTo(timeMs);
    const key = node * OWN_SLOTS + fields[FIELD.startWork.slot];
    if (fields[0] === TYPE.stopWork) this.#untilS.delete(key);
    if (fields[0] === TYPE.startWork && fields[FIELD.startWork.kind] === WORK_KIND.mine)
      this.#untilS.set(key, fields[FIELD.startWork.untilS]);
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    if (node === byzantine || fields[0] !== TYPE.published) return;
    this.#moveTo(timeMs);
    const key = node * OWN_SLOTS + fields[FIELD.published.slot];
    const state = fields[FIELD.published.state];
    if (state === INTENT_STATE.claimed && this.#states.get(key) === INTENT_STATE.started) this.leasesLost += 1;
    this.#states.set(key, state);
  }

  end(timeMs: number): void {
    this.#moveTo(timeMs);
  }
}

export type Flight = Pick<HonestWork, 'leasesLost' | 'working'>;

/** Flies the cluster without lies, to compare others with. */
export const flyUndisturbed = (body: Body, image?: ImageName): Flight => flyMutation(body, noMutation, image);

/** Flies the cluster; the mutation stands in the place of the attacks. */
export function flyMutation(body: Body, mutation: FieldMutation, image: ImageName = 'flight'): Flight {
  const days = endS / dayS;
  const base = shippedScenario('byzantine-1');
  const insider = { node: byzantine, fromDay: fromS / dayS, toDay: toS / dayS, attacks: ['claims'] };
  const scenario = scenarioSchema.parse({ ...base, nodes, days, disruptions: [], insider });
  const work = new HonestWork();
  runScenario(scenario, {
    seed: 1,
    days,
    nodes,
    body,
    engine: createFleetEngine('v8', readImage(image)),
    consumers: [work],
    mutation,
  });
  return work;
}

/** Compares a flight with the one without lies. */
export function costOf(flight: Flight, undisturbed: Flight): Worst {
  const first = fromS / minuteS;
  let lost = 0;
  let all = 0;
  let durationS = 0;
  for (let minute = first; minute < undisturbed.working.length; minute += 1) {
    const missing = undisturbed.working[minute] - (flight.working[minute] ?? 0);
    all += undisturbed.working[minute];
    lost += missing;
    if (missing > 0) durationS += minuteS;
  }
  return {
    leasesLost: Math.max(0, flight.leasesLost - undisturbed.leasesLost),
    productionShare: all === 0 ? 0 : Math.max(0, lost / all),
    durationS,
  };
}

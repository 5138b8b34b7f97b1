import { FIELD, TYPE } from '../../../host/cbor/generated.ts';
import { FalseDeaths } from '../../check/judges/false_deaths.ts';
import { Observers } from '../../check/observe/observers.ts';
import { MEMBER_STATE } from '../../check/record.ts';
import type { TraceConsumer, WorldChange } from '../../kernel/trace.ts';
import { layWorld } from '../../world/plan.ts';
import { type Scenario, scenarioSchema } from '../../scenario/schema.ts';
import type { Body } from '../../world/bodies.ts';

/** The bins in which delays are counted, seconds. */
export const BIN_S = 10;

/** Lossy-30pct without work and for longer: members probe each other, lose 30 % of their frames, look out in contact windows, and four die. */
export function membershipScenario(lossy: Scenario, seed: number, days: number): Scenario {
  const dies = (atDay: number) => ({ kind: 'node-death', when: { fromDay: atDay - days / 8, toDay: atDay } });
  return scenarioSchema.parse({
    ...lossy,
    name: 'membership-30pct',
    seed,
    days,
    planWork: false,
    disruptions: [1, 2, 3, 4].map((part) => dies((part * days) / 5)),
  });
}

/** Watches one flight for false deaths, and for how long true ones take to be known. Sees the trace only. */
export class DeathWatch implements TraceConsumer {
  /** Delays from a death to each live member's knowledge of it, counted in bins of BIN_S; `gone` = no longer present, `dead` = dead. */
  readonly goneBins: number[] = [];
  readonly deadBins: number[] = [];
  private readonly seen: Observers;
  private readonly judge: FalseDeaths;
  private readonly diedMs = new Map<number, number>();
  private readonly told = new Set<string>();

  constructor(scenario: Scenario, body: Body) {
    const { groups, nodes } = layWorld(scenario, { seed: scenario.seed, nodes: scenario.nodes, body });
    this.seen = new Observers({ nodes: nodes.length, groups });
    this.judge = new FalseDeaths(this.seen);
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    if (fields[0] !== TYPE.memberState) return;
    this.judge.event(timeMs, node, fields);
    const diedMs = this.diedMs.get(fields[FIELD.memberState.member]);
    const state = fields[FIELD.memberState.state];
    if (diedMs === undefined || state < MEMBER_STATE.UNREACHABLE) return;
    this.count(this.goneBins, `gone ${node} ${fields[FIELD.memberState.member]}`, timeMs - diedMs);
    if (state === MEMBER_STATE.DEAD)
      this.count(this.deadBins, `dead ${node} ${fields[FIELD.memberState.member]}`, timeMs - diedMs);
  }

  command(): void {}

  world(timeMs: number, change: WorldChange): void {
    this.seen.world(timeMs, change);
    if (change.kind === 'node-down' && change.permanent) this.diedMs.set(change.node, timeMs);
  }

  end(): void {}

  /** Deaths × members that had to learn of them, and did not by the end of the flight. */
  unknown(nodes: number): number {
    let owed = 0;
    for (const [died] of this.diedMs)
      for (let node = 0; node < nodes; node++)
        if (!this.diedMs.has(node) && !this.told.has(`dead ${node} ${died}`)) owed++;
    return owed;
  }

  get falseDeaths(): number {
    return this.judge.count;
  }

  get examples(): string[] {
    return this.judge.verdict().examples;
  }

  private count(bins: number[], once: string, delayMs: number): void {
    if (this.told.has(once)) return;
    this.told.add(once);
    const bin = Math.floor(delayMs / 1000 / BIN_S);
    while (bins.length <= bin) bins.push(0);
    bins[bin]++;
  }
}

/** The sum of several counts, bin by bin. */
export function addBins(counts: readonly (readonly number[])[]): number[] {
  const longest = Math.max(0, ...counts.map((bins) => bins.length));
  return Array.from({ length: longest }, (_, bin) => counts.reduce((sum, bins) => sum + (bins[bin] ?? 0), 0));
}

/** The upper end, seconds, of the bin in which the share-quantile lies. null: nothing was counted. */
export function quantileS(bins: readonly number[], share: number): number | null {
  const total = bins.reduce((sum, count) => sum + count, 0);
  let sum = 0;
  for (let bin = 0; bin < bins.length; bin++) {
    sum += bins[bin];
    if (total > 0 && sum >= share * total) return (bin + 1) * BIN_S;
  }
  return null;
}

import type { Boards } from '../board/boards.ts';
import type { Fault } from '../fault/draw.ts';
import { ByzantineNode, type ByzantineCodec, type ByzantineActions, type Attack } from '../fault/byzantine.ts';
import { clusterKeys, SIMULATED_CLUSTER } from '../../host/security/provision.ts';
import { signStatement } from '../../host/security/statement.ts';
import type { EventQueue } from '../kernel/queue.ts';
import { RandomStream } from '../kernel/random.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { WorldPlan } from '../world/plan.ts';
import { eventKind } from '../kernel/event_kinds.ts';

const msPerDay = 86_400_000;

/** Who lies in a run: a function of scenario, seed and number of nodes. Null: nobody. */
export function drawInsider(
  { insider }: Scenario,
  seed: number,
  nodes: number,
  faults: readonly Fault[],
): number | null {
  if (insider === undefined) return null;
  if (insider.node !== undefined) return insider.node;
  // Whom a disruption strikes by itself must be honest, or nothing could be said of how the others bear it.
  const struck = new Set(
    faults.filter(({ kind }) => kind !== 'occultation' && kind !== 'storm').flatMap((fault) => fault.nodes),
  );
  const order = new RandomStream(seed, 'insider').permutation(nodes);
  return order.find((node) => !struck.has(node)) ?? order[0];
}

/** What a run says of its byzantine, apart from what the judges say. */
export interface InsiderFacts {
  node: number;
  ways: readonly Attack[];
  fromS: number;
  untilS: number;
  deeds: ByzantineActions;
  /** Versions made up in the name of others, by owner × 8 + slot. */
  forged: ReadonlyMap<number, ReadonlySet<number>>;
  /** Loss counters of the honest at the end of the run, summed up, by number. */
  rejected: number[];
  /** When the first epoch of keys begins that the ground issued without the byzantine, mission seconds. */
  excludedS: number | null;
}

/** Puts a byzantine in a member's place and gives it a voice. */
export class Insider {
  readonly byzantine: ByzantineNode;
  readonly #ways: readonly Attack[];
  readonly #fromMs: number;
  readonly #untilMs: number;
  readonly #queue: EventQueue;
  readonly #later: Uint8Array[] = [];

  constructor(
    scenario: Scenario,
    node: number,
    plan: WorldPlan,
    seed: number,
    codec: ByzantineCodec,
    queue: EventQueue,
    endMs: number,
  ) {
    const insider = scenario.insider as NonNullable<Scenario['insider']>;
    this.#ways = insider.ways;
    this.#fromMs = Math.round(insider.fromDay * msPerDay);
    this.#untilMs = insider.toDay === undefined ? endMs : Math.round(insider.toDay * msPerDay);
    this.#queue = queue;
    this.byzantine = new ByzantineNode({
      node,
      nodes: plan.nodes.length,
      groups: plan.groups,
      ways: new Set(insider.ways),
      fromMs: this.#fromMs,
      untilMs: this.#untilMs,
      seed,
      bitsPerS: scenario.radio.bitsPerS,
      codec,
      sign: (text) =>
        signStatement(clusterKeys(seed, SIMULATED_CLUSTER, plan.nodes.length).nodeSeed(node), SIMULATED_CLUSTER, text),
    });
  }

  begin(): void {
    this.#queue.push(this.byzantine.nextMs(this.#fromMs), this.byzantine.node, eventKind.lie);
  }

  /** Its cycle has come. */
  due(timeMs: number, boards: Boards): void {
    if (timeMs >= this.#untilMs) return;
    for (const { atMs, frame } of this.byzantine.speak(timeMs)) {
      if (atMs <= timeMs) boards.say(timeMs, this.byzantine.node, frame);
      else this.#queue.push(atMs, this.byzantine.node, eventKind.lieLater, this.#later.push(frame) - 1);
    }
    this.#queue.push(this.byzantine.nextMs(timeMs), this.byzantine.node, eventKind.lie);
  }

  later(timeMs: number, index: number, boards: Boards): void {
    boards.say(timeMs, this.byzantine.node, this.#later[index]);
    this.#later[index] = new Uint8Array(0);
  }

  facts(boards: Boards, nodes: number, excludedS: number | null): InsiderFacts {
    const rejected: number[] = [];
    for (let node = 0; node < nodes; node += 1) {
      if (node === this.byzantine.node) continue;
      boards.counters(node).forEach((count, index) => {
        rejected[index] = (rejected[index] ?? 0) + count;
      });
    }
    const { node, deeds, forged } = this.byzantine;
    return {
      node,
      ways: this.#ways,
      fromS: this.#fromMs / 1000,
      untilS: this.#untilMs / 1000,
      deeds,
      forged,
      rejected,
      excludedS,
    };
  }
}

import { clusterKeys, SIMULATED_CLUSTER } from '../../host/security/simulated_keys.ts';
import { signStatement } from '../../host/security/statement.ts';
import type { Boards } from '../board/boards.ts';
import { type ByzantineCodec, ByzantineNode } from '../fault/byzantine.ts';
import type { ByzantineActions } from '../fault/byzantine_actions.ts';
import type { Fault } from '../fault/draw.ts';
import type { FieldMutation } from '../fault/field_mutation.ts';
import { eventKind } from '../kernel/event_kinds.ts';
import type { EventQueue } from '../kernel/queue.ts';
import { RandomStream } from '../kernel/random.ts';
import type { Attack } from '../scenario/attacks.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { WorldPlan } from '../world/plan.ts';

const msPerDay = 86_400_000;

/**
 * Selects the Byzantine node of a run: a function of scenario, seed and number of nodes.
 * Returns null when all members are honest.
 */
export function drawInsider(
  { insider }: Scenario,
  seed: number,
  nodes: number,
  faults: readonly Fault[],
): number | null {
  if (insider === undefined) return null;
  if (insider.node !== undefined) return insider.node;
  // A node with a disruption of its own stays honest: the judges measure how the honest recover.
  const single = faults.filter(({ kind }) => kind !== 'occultation' && kind !== 'storm');
  const affected = new Set(single.flatMap((fault) => fault.nodes));
  const order = new RandomStream(seed, 'insider').permutation(nodes);
  return order.find((node) => !affected.has(node)) ?? order[0];
}

/** What a run reports of its Byzantine node, apart from the judges' verdicts. */
export interface InsiderFacts {
  node: number;
  attacks: readonly Attack[];
  fromS: number;
  untilS: number;
  actions: ByzantineActions;
  /** Versions forged in the name of others, by owner × 8 + intent slot. */
  forged: ReadonlyMap<number, ReadonlySet<number>>;
  /** Loss counters of the honest members at the end of the run, added up, by number. */
  rejected: number[];
  /**
   * When the first key epoch without the Byzantine node begins, mission seconds; null: none was
   * issued.
   */
  excludedS: number | null;
}

export interface InsiderParts {
  /** Must have an `insider` section. */
  scenario: Scenario;
  node: number;
  plan: WorldPlan;
  seed: number;
  codec: ByzantineCodec;
  mutation?: FieldMutation;
  queue: EventQueue;
  endMs: number;
}

/** Runs the Byzantine node in a member's place and sends its frames. */
export class Insider {
  readonly byzantine: ByzantineNode;
  readonly #attacks: readonly Attack[];
  readonly #fromMs: number;
  readonly #untilMs: number;
  readonly #queue: EventQueue;
  readonly #laterFrames: Uint8Array[] = [];

  constructor({ scenario, node, plan, seed, codec, mutation, queue, endMs }: InsiderParts) {
    const insider = scenario.insider as NonNullable<Scenario['insider']>;
    this.#attacks = insider.attacks;
    this.#fromMs = Math.round(insider.fromDay * msPerDay);
    this.#untilMs = insider.toDay === undefined ? endMs : Math.round(insider.toDay * msPerDay);
    this.#queue = queue;
    const nodes = plan.nodes.length;
    this.byzantine = new ByzantineNode({
      node,
      nodes,
      groups: plan.groups,
      attacks: new Set(insider.attacks),
      fromMs: this.#fromMs,
      untilMs: this.#untilMs,
      seed,
      bitsPerS: scenario.radio.bitsPerS,
      codec,
      mutation,
      sign: (text) =>
        signStatement(clusterKeys(seed, SIMULATED_CLUSTER, nodes).nodeSeed(node), SIMULATED_CLUSTER, text),
    });
  }

  begin(): void {
    this.#queue.push(this.byzantine.nextMs(this.#fromMs), this.byzantine.node, eventKind.byzantineCycle);
  }

  /** Sends the frames of the cycle that begins now, and schedules the next cycle. */
  cycle(timeMs: number, boards: Boards): void {
    if (timeMs >= this.#untilMs) return;
    const { node } = this.byzantine;
    for (const { atMs, frame } of this.byzantine.framesOfCycle(timeMs)) {
      if (atMs <= timeMs) boards.sendFrame(timeMs, node, frame);
      else this.#queue.push(atMs, node, eventKind.byzantineFrame, this.#laterFrames.push(frame) - 1);
    }
    this.#queue.push(this.byzantine.nextMs(timeMs), node, eventKind.byzantineCycle);
  }

  /** Sends a frame that was scheduled for later in its cycle. */
  sendLater(timeMs: number, index: number, boards: Boards): void {
    boards.sendFrame(timeMs, this.byzantine.node, this.#laterFrames[index]);
    this.#laterFrames[index] = new Uint8Array(0);
  }

  facts(boards: Boards, nodes: number, excludedS: number | null): InsiderFacts {
    const rejected: number[] = [];
    for (let node = 0; node < nodes; node += 1) {
      if (node === this.byzantine.node) continue;
      boards.counters(node).forEach((count, index) => {
        rejected[index] = (rejected[index] ?? 0) + count;
      });
    }
    const { node, actions, forged } = this.byzantine;
    return {
      node,
      attacks: this.#attacks,
      fromS: this.#fromMs / 1000,
      untilS: this.#untilMs / 1000,
      actions,
      forged,
      rejected,
      excludedS,
    };
  }
}

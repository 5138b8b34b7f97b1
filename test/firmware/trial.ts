import { FIELD, type Group, LEASE_GUARD_S, OUTLOOK_KIND, ROUND_S, TYPE, WORK_KIND } from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import type { RandomStream } from '../../hwsim/kernel/random.ts';
import type { Frame } from '../../host/security/frame.ts';
import { openedFrame } from '../security/sealed.ts';
import { TestCluster } from './cluster.ts';
import { assign, DAY, split, UNIT } from './driven.ts';
import { type ExecutionWatch, watched } from './watch.ts';

/** The unit that the nodes of a trial compete for. */
const lot: Group = { name: 'group', group: 1, kind: 1, units: 1, capacity: 2000, stockKg: 1_000_000, loadKg: 0 };
const limits = firmwareConstants('flight');
/** Liveness ticks without a sign of life until a member counts as silent. */
export const ticksUntilSilent = limits.get('TICKS_UNTIL_SILENT')!;
/** Silence until a vote is revoked, seconds. */
export const revokeVoteS = limits.get('REVOKE_VOTE_S')!;
/** A restarted node has no vote for this long, seconds. */
export const recoveryS = limits.get('SHORT_LEASE_S_MAX')! + 2 * LEASE_GUARD_S;
/** Rounds from a claim's agreement until the round of which the digest contains its start. */
export const startRounds = limits.get('START_ROUNDS')!;
const driftPpmMax = limits.get('CLOCK_DRIFT_PPM_MAX')! - 1;

export interface TrialOptions {
  nodes: number;
  /** Chance that a receiver misses a frame. */
  loss?: number;
}

/** What a trial found. */
export interface Outcome {
  /** Violations of INT-5: two nodes on one unit, or less time between them than two guards. */
  violations: string[];
  /** Times that work on the unit began. */
  starts: number;
  /** Times that work of one node was followed by work of another one. */
  successions: number;
  log: string[];
}

/**
 * A short flight of one cluster in which a test orders who hears whom, who claims the unit and who
 * restarts. Clocks run true or as fast or slow as oscillators may.
 */
export class Trial {
  readonly random: RandomStream;
  readonly nodes: number;
  readonly cluster: TestCluster;
  readonly violations: string[] = [];
  private readonly log: string[] = [];
  private readonly watch: ExecutionWatch;
  private readonly boots: number[];
  /** Links that lose every frame: sender · nodes + receiver. */
  private readonly deaf = new Set<number>();
  private readonly orders: { atS: number; order: () => void }[] = [];
  private opened: Frame | null = null;
  private openedOf: Uint8Array | null = null;

  constructor(random: RandomStream, seed: number, { nodes, loss = 0 }: TrialOptions) {
    this.random = random;
    this.nodes = nodes;
    const driftPpm = Array.from({ length: nodes }, () => (random.below(3) - 1) * driftPpmMax);
    this.cluster = new TestCluster({ nodes, seed, features: 0, groups: [lot], driftPpm, loss });
    this.watch = watched(this.cluster);
    this.boots = Array.from({ length: nodes }, () => 1);
    this.note(`${nodes} nodes, loss ${loss}, drift ${driftPpm.join(' ')} ppm`);
    this.hear();
  }

  get nowS(): number {
    return Math.floor(this.cluster.nowMs / 1000);
  }

  get outcome(): Outcome {
    const starts = this.cluster.commands.filter(
      ({ fields }) => fields[0] === TYPE.startWork && (fields[FIELD.startWork.resource] & 0xffff) !== 0,
    ).length;
    const { violations, log, watch } = this;
    const successions = watch.successions.length;
    return { violations: [...watch.doubles, ...violations], starts, successions, log };
  }

  note(what: string): void {
    this.log.push(`${this.cluster.nowMs / 1000} s: ${what}`);
  }

  /** Draws one of the values. */
  pick<Value>(values: readonly Value[]): Value {
    return values[this.random.below(values.length)];
  }

  /** Whether something happens that happens once in `times`. */
  once(times: number): boolean {
    return this.random.below(times) === 0;
  }

  /** The numbers of all nodes, in a drawn order. */
  shuffled(): number[] {
    const all = Array.from({ length: this.nodes }, (_, node) => node);
    for (let at = all.length - 1; at > 0; at -= 1) {
      const other = this.random.below(at + 1);
      [all[at], all[other]] = [all[other], all[at]];
    }
    return all;
  }

  /** Gives an order at a mission second that `runTo` passes. */
  at(atS: number, order: () => void): void {
    this.orders.push({ atS: Math.max(atS, this.nowS), order });
    this.orders.sort((one, two) => one.atS - two.atS);
  }

  runTo(untilS: number): void {
    while (this.orders.length > 0 && this.orders[0].atS <= untilS) {
      const { atS, order } = this.orders.shift()!;
      this.cluster.runTo(Math.max(atS, this.nowS));
      order();
    }
    this.cluster.runTo(Math.max(untilS, this.nowS));
  }

  /** Assigns a node the unit until `endS`, by default for a day. */
  assign(node: number, startS = this.nowS, priority = 1, endS = startS + DAY): void {
    if (!this.cluster.up[node]) return;
    assign(this.cluster, node, startS, endS, { rate: 100, priority });
    this.note(`assign ${node} the unit from ${startS} s, priority ${priority}`);
  }

  /** Parts the cluster: only nodes of one set hear each other; those left out are alone. */
  part(...sets: number[][]): void {
    for (let node = 0; node < this.nodes; node += 1) this.cluster.part[node] = sets.length + node;
    split(this.cluster, ...sets);
    this.note(`parts ${sets.map((set) => set.join(' ')).join(' | ')}`);
  }

  /** Heals the cluster: everybody hears everybody. */
  heal(): void {
    this.cluster.part.fill(0);
    this.deaf.clear();
    this.note('heal');
  }

  /** Lets a node be heard by nobody, though it hears all. */
  mute(node: number): void {
    for (let other = 0; other < this.nodes; other += 1) this.deaf.add(node * this.nodes + other);
    this.note(`mute ${node}`);
  }

  /** Lets a node hear nobody, though all hear it, or hear again. */
  deafen(node: number, isDeaf: boolean): void {
    for (let other = 0; other < this.nodes; other += 1) {
      const link = other * this.nodes + node;
      if (isDeaf) this.deaf.add(link);
      else this.deaf.delete(link);
    }
    this.note(`${node} ${isDeaf ? 'hears nobody' : 'hears again'}`);
  }

  /** When set, asked about each frame; true: the receiver misses it. */
  loses: ((messages: Frame['messages'], sender: number, receiver: number) => boolean) | null = null;

  private hear(): void {
    this.cluster.jam = (sender, receiver) => {
      if (this.deaf.has(sender * this.nodes + receiver)) return true;
      if (this.loses === null) return false;
      const bytes = this.cluster.onAir();
      if (bytes !== this.openedOf) this.opened = openedFrame(bytes);
      this.openedOf = bytes;
      return this.loses(this.opened!.messages, sender, receiver);
    };
  }

  /** Restarts a node from a checkpoint; null: from nothing. */
  restart(node: number, image: Uint8Array | null | undefined, timeKnown = true): void {
    this.boots[node] += 1;
    if (image) this.cluster.restore(node, this.boots[node], image, timeKnown);
    else this.cluster.boot(node, this.boots[node], timeKnown);
    this.note(`restart ${node} from ${image ? 'a checkpoint' : 'nothing'}, clock ${timeKnown ? 'kept' : 'lost'}`);
  }

  /** Switches a node off. */
  kill(node: number): void {
    this.cluster.kill(node);
    this.note(`kill ${node}`);
  }

  /** Announces to a node that it will be silent: it extends its leases in advance. */
  expectSilence(node: number, untilS: number): void {
    this.cluster.observe(node, { name: 'outlook', fromS: this.nowS, untilS, kind: OUTLOOK_KIND.occultation });
    this.note(`${node} will be silent until ${untilS} s`);
  }

  works(node: number): boolean {
    return this.cluster.up[node] && this.cluster.nodes[node].isRunning(0);
  }

  /** Whether a node's claim of the unit settled. */
  hasSettled(node: number): boolean {
    return this.cluster.nodes[node].own(0).settledVersion !== 0;
  }

  /** Assigns a node the unit and runs until it works; false if it does not within `untilS`. */
  letWork(node: number, untilS: number): boolean {
    this.assign(node);
    this.runUntil(() => this.works(node), untilS);
    return this.works(node);
  }

  /** Runs until something is so, at most to `untilS`. */
  runUntil(isSo: () => boolean, untilS: number): void {
    while (!isSo() && this.nowS < untilS) this.cluster.runTo(this.nowS + 1);
  }

  /**
   * Runs until `node` has bounded the work of `owner`, which is silent, by its lease hold; returns
   * the end of the hold, or undefined if there is none within three rounds.
   */
  awaitHold(node: number, owner: number): number | undefined {
    // A node computes bounds for claims of its own only: this one is far ahead.
    const startS = this.nowS + 30 * DAY;
    const claim = {
      kind: WORK_KIND.mine,
      resource: UNIT,
      startS,
      endS: startS + DAY,
      durationS: 0,
      rate: 1,
      priority: 1,
    };
    this.cluster.observe(node, { name: 'assign', slot: 1, ...claim });
    const latestS = this.nowS + 3 * ROUND_S;
    for (;;) {
      const work = this.cluster.nodes[node].intent(owner, 0);
      if (work === undefined || work.boundS < work.endS) return work?.boundS;
      if (this.nowS >= latestS) return undefined;
      this.runTo(this.nowS + 10);
    }
  }

  /** The error of a node's clock as the node states it, whole seconds. */
  errorS(node: number): number {
    return Math.floor(this.cluster.nodes[node].node().errorMs / 1000);
  }

  /**
   * Requires of takeovers from `owner`, which nobody hears since before `sinceS`, that owner and
   * successor keep a guard each, and the owner the error of its clock.
   */
  requireGuards(owner: number, sinceS: number, errorS: number): void {
    for (const { from, to, gapS, endS } of this.watch.successions)
      if (from === owner && endS >= sinceS && gapS < 2 * LEASE_GUARD_S + errorS)
        this.violations.push(`${to} begins ${gapS} s after the end of ${from} at ${endS} s`);
  }
}

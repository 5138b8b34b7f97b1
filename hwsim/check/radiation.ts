import type { WorldChange } from '../kernel/trace.ts';
import type { Observers } from './observers.ts';
import { EVENT, UPSET, UPSET_OUTCOME } from './record.ts';
import { SLA_S } from './rules.ts';
import { Findings, type Judge, seconds, type Verdict } from './verdict.ts';

/** What upsets did in a run. */
export interface RadiationOutcome {
  /** Particles that flipped bits, and the bits; in use: of a node that runs. */
  upsets: number;
  bits: number;
  inUse: number;
  /** Errors of the controller of non-volatile memory. */
  accessFaults: number;
  /** As the nodes tell: bits put right, records let go of and fetched again; longest that an error lay there, by their own upper bound. */
  corrected: number;
  dropped: number;
  oldestS: number;
  /** How long corrected errors had lain there at most: entry i counts those told with less than 2^i s, the last all older; as the firmware bins them (inspect 11). */
  ages: number[];
  /** Runtimes that broke off: over memory that could not be put right (sites 900 to 949), in all, and while they began. */
  breaksUncorrectable: number;
  breaks: number;
  breaksAtStart: number;
  resetsInRowMax: number;
  /** Bits that still stand wrong at the end. */
  latentBits: number;
  /** Frames whose CRC-32C does not verify: noise to whoever hears them. */
  framesGarbled: number;
  /** Given out by a struck node and not by its replica. */
  framesDeparted: number;
  framesAccepted: number;
  decisionsDeparted: number;
  eventsDeparted: number;
  /** Given out by the replica and not by the node. */
  omissions: number;
}

/** AGE_BINS of firmware/memory/guard.ts. */
const ageBins = 14;

type Divergence = Extract<WorldChange, { kind: 'divergence' }>;

/**
 * RAD-1: no corrupt value is sent as true. Each struck node has a replica that lives through the same without upsets (hwsim/board/faultable_memory.ts); a frame, a command or an event that a
 * node gives out and its replica does not is a violation, whether or not somebody takes it in. Output nothing is none: a node that cannot trust itself is silent. Nor is a frame that does not
 * verify: it is heard as noise.
 */
export class NoCorruptValueSent implements Judge {
  readonly id = 'RAD-1-no-corrupt-value-sent';
  readonly types = [EVENT.UPSET];
  readonly outcome: RadiationOutcome = blank();
  private readonly findings = new Findings();

  event(_timeMs: number, _node: number, f: Uint32Array): void {
    if (f[UPSET.OUTCOME] === UPSET_OUTCOME.DROPPED) this.outcome.dropped += f[UPSET.COUNT];
    else {
      this.outcome.corrected += f[UPSET.COUNT];
      this.outcome.ages[Math.min(ageBins - 1, 32 - Math.clz32(f[UPSET.AGE_S]))]++;
    }
    this.outcome.oldestS = Math.max(this.outcome.oldestS, f[UPSET.AGE_S]);
  }

  world(timeMs: number, change: WorldChange): void {
    const { outcome } = this;
    switch (change.kind) {
      case 'upset':
        outcome.upsets++;
        outcome.bits += change.bits.length;
        if (change.inUse) outcome.inUse++;
        return;
      case 'access-fault':
        outcome.accessFaults++;
        return;
      case 'trap':
        outcome.breaks++;
        if (change.site >= 900 && change.site < 950) outcome.breaksUncorrectable++;
        if (change.booting) outcome.breaksAtStart++;
        outcome.resetsInRowMax = Math.max(outcome.resetsInRowMax, change.resets);
        return;
      case 'latent':
        outcome.latentBits += change.bits;
        return;
      case 'divergence':
        return this.departs(timeMs, change);
      case 'corrupt-accepted':
        outcome.framesAccepted++;
        this.findings.add(() => {
          const who = change.by.length > 3 ? `${change.by.length} nodes` : `node ${change.by.join(' and ')}`;
          return `at ${seconds(timeMs)} ${who} took in a frame of node ${change.node} that upset ${change.upset} had made wrong`;
        });
        return;
      default:
        return;
    }
  }

  private departs(timeMs: number, { node, output, omission, garbled, upset, what }: Divergence): void {
    const { outcome } = this;
    if (omission || garbled) {
      if (omission) outcome.omissions++;
      else outcome.framesGarbled++;
      return;
    }
    if (output === 'frame') outcome.framesDeparted++;
    else if (output === 'command') outcome.decisionsDeparted++;
    else outcome.eventsDeparted++;
    this.findings.add(
      () => `at ${seconds(timeMs)} node ${node} gives out a wrong ${output} after upset ${upset}: ${what}`,
    );
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

function blank(): RadiationOutcome {
  return {
    upsets: 0,
    bits: 0,
    inUse: 0,
    accessFaults: 0,
    corrected: 0,
    dropped: 0,
    oldestS: 0,
    ages: new Array(ageBins).fill(0),
    breaksUncorrectable: 0,
    breaks: 0,
    breaksAtStart: 0,
    resetsInRowMax: 0,
    latentBits: 0,
    framesGarbled: 0,
    framesDeparted: 0,
    framesAccepted: 0,
    decisionsDeparted: 0,
    eventsDeparted: 0,
    omissions: 0,
  };
}

/**
 * RAD-5: a runtime that breaks off comes back, and for everybody. Within the SLA of a node's failure it runs again, whoever reaches it takes it for present, and it them; minutes in
 * which its radio is silenced do not count. Resets of its processor in a row stay within their bound (those that the world deals out come on top).
 */
export class BreaksHeal implements Judge {
  readonly id = 'RAD-5-crash-recovery';
  readonly types = [];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  private readonly resetsMax: number;
  /** Nodes that broke off and are not back, with the break's time and the seconds that count since. */
  private readonly open = new Map<number, { brokeMs: number; countedS: number }>();
  private readonly dealtResets: Int32Array;

  constructor(seen: Observers, resetsMax: number) {
    this.seen = seen;
    this.resetsMax = resetsMax;
    this.dealtResets = new Int32Array(seen.facts.nodes);
  }

  world(timeMs: number, change: WorldChange): void {
    if (change.kind === 'node-down' && change.disruption !== null) this.dealtResets[change.node]++;
    if (change.kind !== 'trap') return;
    const { node, resets, site } = change;
    if (resets > this.resetsMax + this.dealtResets[node])
      this.findings.add(
        () => `at ${seconds(timeMs)} node ${node} breaks off at site ${site} after ${resets} resets in a row`,
      );
    if (!this.open.has(node)) this.open.set(node, { brokeMs: timeMs, countedS: 0 });
  }

  minute(timeMs: number): void {
    for (const [node, wait] of this.open) {
      if (wait.brokeMs >= timeMs) continue;
      if (this.isBack(node)) {
        this.open.delete(node);
        continue;
      }
      if (this.seen.ground.radio[node] === 1) wait.countedS += 60;
      if (wait.countedS <= SLA_S.node) continue;
      this.open.delete(node);
      const state = this.seen.ground.live(node)
        ? 'is still taken for gone by others, or takes them for gone'
        : 'does not run again';
      this.findings.add(
        () => `node ${node}, which broke off at ${seconds(wait.brokeMs)}, ${state} at ${seconds(timeMs)}`,
      );
    }
  }

  private isBack(node: number): boolean {
    const { ground, views } = this.seen;
    if (!ground.live(node) || ground.radio[node] === 0) return false;
    for (let other = 0; other < ground.nodes; other++) {
      if (other !== node && ground.connected(node, other) && (views.gone(other, node) || views.gone(node, other)))
        return false;
    }
    return true;
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

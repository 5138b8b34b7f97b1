import {
  AGE_BINS,
  FIELD,
  TRAP_SITE_UNTRUSTED_MAX,
  TRAP_SITE_UNTRUSTED_MIN,
  TYPE,
  UPSET_OUTCOME,
} from '../../../host/cbor/generated.ts';
import { atNode, Findings, type Judge, seconds, type Verdict } from '../verdict.ts';
import type { WorldChange } from '../../kernel/trace.ts';

/** What upsets did in a run. Field names are those of `--json`. */
export interface RadiationOutcome {
  /** Particles that flipped bits, and the number of bits; `inUse`: upsets of running nodes. */
  upsets: number;
  bits: number;
  inUse: number;
  /** Errors of the controller of non-volatile memory. */
  accessFaults: number;
  /**
   * By the nodes' own events: bits corrected; records evicted and fetched again; longest age of an
   * error, an upper bound.
   */
  corrected: number;
  dropped: number;
  oldestS: number;
  /**
   * Upper bounds of the ages of corrected errors: entry i counts ages below 2^i s, the last entry
   * all older; as in the firmware's histogram.
   */
  ages: number[];
  /**
   * Traps: over memory that could not be corrected (sites 900 to 949), all, and while the runtime
   * started.
   */
  breaksUncorrectable: number;
  breaks: number;
  breaksAtStart: number;
  resetsInRowMax: number;
  /** Bits that are still wrong at the end. */
  latentBits: number;
  /** Frames whose CRC-32C does not verify: receivers hear noise. */
  framesGarbled: number;
  /**
   * Outputs that a node produced and its reference replica did not; `framesAccepted`: such frames
   * that others accepted.
   */
  framesDeparted: number;
  framesAccepted: number;
  decisionsDeparted: number;
  eventsDeparted: number;
  /** Outputs that the reference replica produced and the node did not. */
  omissions: number;
}

type Divergence = Extract<WorldChange, { kind: 'divergence' }>;

/**
 * RAD-1: judges that no corrupt value is sent as true. Each node with upsets has a reference
 * replica, which gets the same inputs without upsets (hwsim/board/faultable_memory.ts). A frame, a
 * command or an event that the node produces and its replica does not is a violation, whether or
 * not another node accepts it. An omitted output is no violation: a node that cannot trust itself
 * is silent. A frame that does not verify is no violation: it is heard as noise. Bound: zero.
 * Source: docs/judges.md.
 */
export class NoCorruptValueSent implements Judge {
  readonly id = 'RAD-1-no-corrupt-value-sent';
  readonly types = [TYPE.upset];
  readonly outcome: RadiationOutcome = blank();
  private readonly findings = new Findings();

  event(_timeMs: number, _node: number, fields: Uint32Array): void {
    if (fields[FIELD.upset.outcome] === UPSET_OUTCOME.evicted) this.outcome.dropped += fields[FIELD.upset.count];
    else {
      this.outcome.corrected += fields[FIELD.upset.count];
      this.outcome.ages[Math.min(AGE_BINS - 1, 32 - Math.clz32(fields[FIELD.upset.ageS]))]++;
    }
    this.outcome.oldestS = Math.max(this.outcome.oldestS, fields[FIELD.upset.ageS]);
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
        if (change.site >= TRAP_SITE_UNTRUSTED_MIN && change.site <= TRAP_SITE_UNTRUSTED_MAX)
          outcome.breaksUncorrectable++;
        if (change.booting) outcome.breaksAtStart++;
        outcome.resetsInRowMax = Math.max(outcome.resetsInRowMax, change.resets);
        return;
      case 'latent':
        outcome.latentBits += change.bits;
        return;
      case 'divergence':
        return this.diverges(timeMs, change);
      case 'corrupt-accepted':
        outcome.framesAccepted++;
        this.findings.add(() => {
          const { by, node, upset } = change;
          const nodes = by.length > 3 ? `${by.length} nodes` : `node ${by.join(' and ')}`;
          return `at ${seconds(timeMs)} ${nodes} accepted a frame of node ${node} that upset ${upset} had corrupted`;
        });
        return;
      default:
        return;
    }
  }

  private diverges(timeMs: number, { node, output, omission, garbled, upset, what }: Divergence): void {
    const { outcome } = this;
    if (omission || garbled) {
      if (omission) outcome.omissions++;
      else outcome.framesGarbled++;
      return;
    }
    if (output === 'frame') outcome.framesDeparted++;
    else if (output === 'command') outcome.decisionsDeparted++;
    else outcome.eventsDeparted++;
    this.findings.add(() => `${atNode(timeMs, node)} produces a wrong ${output} after upset ${upset}: ${what}`);
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
    ages: new Array(AGE_BINS).fill(0),
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

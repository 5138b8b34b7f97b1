import type { WorldChange } from '../kernel/trace.ts';
import type { Observers } from './observers.ts';
import { COMMAND, EVENT } from './record.ts';
import { Findings, type Judge, seconds, type Verdict } from './verdict.ts';

/** What the board's windowed watchdog allows, milliseconds of the board's oscillator, and how many resets in a row it takes. */
export interface WatchdogBounds {
  feedMsMin: number;
  feedMsMax: number;
  resetsMax: number;
}

const FEED = -1;

/**
 * WDG-1: between two feeds of a running node there is never less than the window's opening nor more than its closing, unless the node
 * was down or restarted in between: a late feed without a restart means that the bite did not bite.
 */
export class WatchdogWindow implements Judge {
  readonly id = 'WDG-1-window';
  readonly types = [COMMAND.FEED_WATCHDOG, EVENT.BOOTED, COMMAND.SAFE_MODE];
  private readonly findings = new Findings();
  private readonly bounds: WatchdogBounds;
  private readonly fedMs: Float64Array;

  constructor(seen: Observers, bounds: WatchdogBounds) {
    this.bounds = bounds;
    this.fedMs = new Float64Array(seen.facts.nodes).fill(FEED);
  }

  command(timeMs: number, node: number, f: Uint32Array): void {
    if (f[0] !== COMMAND.FEED_WATCHDOG) {
      this.fedMs[node] = FEED;
      return;
    }
    const before = this.fedMs[node];
    this.fedMs[node] = timeMs;
    if (before < 0) return;
    const gapMs = timeMs - before;
    if (gapMs >= this.bounds.feedMsMin && gapMs <= this.bounds.feedMsMax) return;
    const limit =
      gapMs < this.bounds.feedMsMin
        ? `early: not before ${this.bounds.feedMsMin}`
        : `late: not after ${this.bounds.feedMsMax}`;
    this.findings.add(() => `at ${seconds(timeMs)} node ${node} feeds ${gapMs} ms after the last time, ${limit} ms`);
  }

  event(_timeMs: number, node: number): void {
    this.fedMs[node] = FEED;
  }

  world(_timeMs: number, change: WorldChange): void {
    if (change.kind === 'node-down') this.fedMs[change.node] = FEED;
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

/** After this long without an escalation the ladder starts at its foot again. */
const CALM_MS = 3_600_000;
/** cause of `booted`: the hardware watchdog bit. */
const CAUSE_WATCHDOG = 2;

/**
 * WDG-2: no rung is skipped. A level may follow only itself, a lower one, or the one below it, within an hour. A ladder begins at a
 * task restart, or at a runtime restart when the runtime itself failed; a bite of the hardware counts as the processor's reset.
 * Resets in a row stay within their bound.
 */
export class EscalationOrder implements Judge {
  readonly id = 'WDG-2-ladder';
  readonly types = [EVENT.ESCALATION, EVENT.BOOTED, COMMAND.RESET_PROCESSOR];
  private readonly findings = new Findings();
  private readonly bounds: WatchdogBounds;
  private readonly level: Uint8Array;
  private readonly lastMs: Float64Array;

  constructor(seen: Observers, bounds: WatchdogBounds) {
    this.bounds = bounds;
    this.level = new Uint8Array(seen.facts.nodes);
    this.lastMs = new Float64Array(seen.facts.nodes).fill(-1e12);
  }

  event(timeMs: number, node: number, f: Uint32Array): void {
    if (timeMs - this.lastMs[node] > CALM_MS) this.level[node] = 0;
    if (f[0] === EVENT.BOOTED) {
      if (f[1] === CAUSE_WATCHDOG) this.reach(timeMs, node, Math.max(3, this.level[node]));
      return;
    }
    const to = f[1];
    const from = this.level[node];
    const allowed = from === 0 ? 2 : from + 1;
    if (to > allowed) {
      this.findings.add(
        () =>
          `at ${seconds(timeMs)} node ${node} goes to level ${to} from ${from === 0 ? 'the foot of the ladder' : `level ${from}`}`,
      );
    }
    this.reach(timeMs, node, to);
  }

  command(timeMs: number, node: number, f: Uint32Array): void {
    if (f[2] <= this.bounds.resetsMax) return;
    this.findings.add(
      () => `at ${seconds(timeMs)} node ${node} orders reset ${f[2]} in a row, ${this.bounds.resetsMax} are allowed`,
    );
  }

  private reach(timeMs: number, node: number, level: number): void {
    this.level[node] = level;
    this.lastMs[node] = timeMs;
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

import { TYPE } from '../../../host/cbor/generated.ts';
import { atNode, Findings, type Judge, type Verdict } from '../verdict.ts';
import type { WorldChange } from '../../kernel/trace.ts';
import type { Observers } from '../observe/observers.ts';

/**
 * Limits of the board's windowed watchdog, milliseconds of the board's oscillator, and of processor
 * resets in a row.
 */
export interface WatchdogBounds {
  feedMsMin: number;
  feedMsMax: number;
  resetsMax: number;
}

const NOT_FED = -1;

/**
 * WDG-1: judges the feeds of the hardware watchdog. Between two feeds of a running node there is
 * never less time than the window's early bound nor more than its late bound, unless the node was
 * down or restarted meanwhile: a late feed without a restart means that the watchdog did not reset
 * the processor. Bounds: given by the board (hwsim/board/watchdog.ts). Source: docs/judges.md.
 */
export class WatchdogWindow implements Judge {
  readonly id = 'WDG-1-window';
  readonly types = [TYPE.feedWatchdog, TYPE.booted, TYPE.safeMode];
  private readonly findings = new Findings();
  private readonly bounds: WatchdogBounds;
  private readonly fedMs: Float64Array;

  constructor(seen: Observers, bounds: WatchdogBounds) {
    this.bounds = bounds;
    this.fedMs = new Float64Array(seen.facts.nodes).fill(NOT_FED);
  }

  command(timeMs: number, node: number, fields: Uint32Array): void {
    if (fields[0] !== TYPE.feedWatchdog) {
      this.fedMs[node] = NOT_FED;
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
    this.findings.add(() => `${atNode(timeMs, node)} feeds ${gapMs} ms after the last time, ${limit} ms`);
  }

  event(_timeMs: number, node: number): void {
    this.fedMs[node] = NOT_FED;
  }

  world(_timeMs: number, change: WorldChange): void {
    if (change.kind === 'node-down') this.fedMs[change.node] = NOT_FED;
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

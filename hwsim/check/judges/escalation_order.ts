import { BOOT_CAUSE, FIELD, RECOVERY_LEVEL, TYPE } from '../../../host/cbor/generated.ts';
import { atNode, Findings, type Judge, type Verdict } from '../verdict.ts';
import type { WatchdogBounds } from './watchdog_window.ts';
import type { Observers } from '../observe/observers.ts';

/** After this long without an escalation the ladder begins at its lowest level again. */
const CALM_MS = 3_600_000;

/**
 * WDG-2: judges the order of escalation: no level is skipped. Within an hour (CALM_MS) the next
 * level is at most one above the last. A ladder begins at a task restart, or at a runtime restart
 * when the runtime itself failed; a reset by the hardware watchdog counts as the processor's reset.
 * Resets in a row stay within their bound, given by the board. Source: docs/judges.md.
 */
export class EscalationOrder implements Judge {
  readonly id = 'WDG-2-ladder';
  readonly types = [TYPE.escalation, TYPE.booted, TYPE.resetProcessor];
  private readonly findings = new Findings();
  private readonly bounds: WatchdogBounds;
  private readonly level: Uint8Array;
  private readonly lastMs: Float64Array;

  constructor(seen: Observers, bounds: WatchdogBounds) {
    this.bounds = bounds;
    this.level = new Uint8Array(seen.facts.nodes);
    this.lastMs = new Float64Array(seen.facts.nodes).fill(-1e12);
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    if (timeMs - this.lastMs[node] > CALM_MS) this.level[node] = 0;
    if (fields[0] === TYPE.booted) {
      if (fields[FIELD.booted.cause] === BOOT_CAUSE.watchdog)
        this.reach(timeMs, node, Math.max(RECOVERY_LEVEL.processorReset, this.level[node]));
      return;
    }
    const to = fields[FIELD.escalation.level];
    const from = this.level[node];
    const allowed = from === 0 ? RECOVERY_LEVEL.runtimeRestart : from + 1;
    if (to > allowed) {
      this.findings.add(
        () => `${atNode(timeMs, node)} goes to level ${to} from ${from === 0 ? 'no escalation' : `level ${from}`}`,
      );
    }
    this.reach(timeMs, node, to);
  }

  command(timeMs: number, node: number, fields: Uint32Array): void {
    const count = fields[FIELD.resetProcessor.count];
    if (count <= this.bounds.resetsMax) return;
    this.findings.add(
      () => `${atNode(timeMs, node)} orders reset ${count} in a row, ${this.bounds.resetsMax} are allowed`,
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

/**
 * Runtime restarts that are tried in a row, each after four times the wait of the one before.
 * *Assumed*.
 */
export const runtimeRestartsMax = 3;
/** From a runtime's restart to its first call. *Assumed*. */
export const runtimeRestartMs = 2000;
const waitGrowth = 4;
/** Processor resets in a row that are tried; equals RESETS_MAX of firmware/watchdog/table.ts. */
export const resetsInRowMax = 3;

/** What a board does next to recover. */
type RecoveryStep = { kind: 'runtime'; afterMs: number } | { kind: 'reset' | 'image' | 'silent' };

/**
 * Decides how a board recovers from a trap of its runtime, at any call and also while the runtime
 * starts. It restarts the runtime from the newest checkpoint that verifies, a few times and more
 * and more slowly. Then it resets the processor, as often as the count in non-volatile memory
 * allows. Then it runs the alternate image, which trusts no checkpoint. Then it is silent
 * permanently. An hour without a trap clears the counts. The firmware's own ladder
 * (firmware/watchdog) has the same levels, for a runtime that still runs.
 */
export class CrashRecovery {
  /** Site of each trap, with node and time. */
  readonly trapSites: { node: number; timeMs: number; site: number }[] = [];
  /** Traps since the last level or stable hour. */
  readonly #inRow: Uint8Array;
  readonly #alternate: Uint8Array;

  constructor(nodes: number) {
    this.#inRow = new Uint8Array(nodes);
    this.#alternate = new Uint8Array(nodes);
  }

  /**
   * Takes a trap of `node`'s runtime; `resetsInRow` is the count in the node's non-volatile memory.
   */
  trapped(timeMs: number, node: number, site: number, resetsInRow: number): RecoveryStep {
    this.trapSites.push({ node, timeMs, site });
    const before = this.#inRow[node];
    this.#inRow[node] = before + 1;
    if (before < runtimeRestartsMax) return { kind: 'runtime', afterMs: runtimeRestartMs * waitGrowth ** before };
    this.#inRow[node] = 0;
    if (this.#alternate[node] !== 0) return { kind: 'silent' };
    if (resetsInRow < resetsInRowMax) return { kind: 'reset' };
    this.#alternate[node] = 1;
    return { kind: 'image' };
  }

  /** Clears the counts after an hour without another start. */
  stable(node: number): void {
    this.#inRow[node] = 0;
    this.#alternate[node] = 0;
  }
}

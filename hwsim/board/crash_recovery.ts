/** Restarts of the runtime that are tried in a row, each after four times the wait of the one before. *Assumed*. */
export const runtimeRestartsMax = 3;
/** From a runtime's restart to its first call. *Assumed*. */
export const runtimeRestartMs = 2000;
const waitGrowth = 4;
/** Processor resets in a row that are tried; as RESETS_MAX of firmware/watchdog/table.ts. */
export const resetsInRowMax = 3;

/** What follows when a runtime broke off. */
export type NextRung = { kind: 'runtime'; afterMs: number } | { kind: 'reset' | 'image' | 'silent' };

/**
 * What a board does about a runtime that breaks off, at any call and also while it begins: restart it from the newest checkpoint that verifies, some times and ever more
 * slowly; then reset the processor, as often as the count in non-volatile memory allows; then take the alternate image, which trusts no checkpoint; then be silent for good. An hour without a
 * break clears it. The firmware's own ladder (firmware/watchdog) has the same rungs, for a runtime that still runs.
 */
export class CrashRecovery {
  /** Site of each trap, with node and time. */
  readonly trapSites: { node: number; timeMs: number; site: number }[] = [];
  /** Breaks since the last rung or stable hour. */
  readonly #inRow: Uint8Array;
  readonly #alternate: Uint8Array;

  constructor(nodes: number) {
    this.#inRow = new Uint8Array(nodes);
    this.#alternate = new Uint8Array(nodes);
  }

  /** The runtime of `node` broke off; `resetsInRow` is the count in its non-volatile memory. */
  broke(timeMs: number, node: number, site: number, resetsInRow: number): NextRung {
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

  /** An hour without another start. */
  stable(node: number): void {
    this.#inRow[node] = 0;
    this.#alternate[node] = 0;
  }
}

import type { Flip } from './draw.ts';
import type { GoldenBoard } from './golden.ts';
import type { Snapshot } from './subject.ts';

/** Bytes of RAM that differ from the golden run. */
export interface Residue {
  /** Bytes that a later input will read, and the first input that reads one. */
  live: number;
  firstRead: number;
  /** Bytes that no later input touches. */
  latent: number;
  /** Non-volatile memory differs. */
  stored: boolean;
  /** Offset and value of all of them. */
  bytes: Map<number, number>;
}

export interface ResidueOptions {
  /** Stuck bits: they may be wrong after the next write, even if they are right now. */
  stuck?: readonly Flip[];
  /** Bytes that may differ because an upset was reported (1 by offset); null: none may. */
  free?: Uint8Array | null;
}

/**
 * Returns what differs from the golden run before input `next`. Bytes that are overwritten before
 * they are read do not count.
 */
export function residueOf(golden: GoldenBoard, now: Snapshot, next: number, options: ResidueOptions = {}): Residue {
  const { stuck = [], free = null } = options;
  const { ram, nonVolatile } = golden.snapshots[next];
  const stored = !now.nonVolatile.equals(nonVolatile);
  const residue: Residue = {
    live: 0,
    latent: stored ? 1 : 0,
    stored,
    firstRead: Number.POSITIVE_INFINITY,
    bytes: new Map(),
  };
  const addLive = (input: number) => {
    residue.live += 1;
    residue.firstRead = Math.min(residue.firstRead, input);
  };
  for (const { offset } of stuck) {
    const { access, input } = golden.accesses.first(offset, next);
    if (access !== 'none' && now.ram[offset] === ram[offset]) addLive(input);
  }
  if (now.ram.equals(ram)) return residue;
  for (let offset = 0; offset < ram.length; offset += 1) {
    if (now.ram[offset] === ram[offset] || free?.[offset] === 1) continue;
    const { access, input } = golden.accesses.first(offset, next);
    if (access === 'write' && !stuck.some((flip) => flip.offset === offset)) continue;
    residue.bytes.set(offset, now.ram[offset]);
    if (access === 'none') residue.latent += 1;
    else addLive(input);
  }
  return residue;
}

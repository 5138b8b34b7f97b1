import type { Contact } from '../world/orbits/contact_plan.ts';

/**
 * What a cluster does at a time that the plan gives. arrival: the frames of a contact have arrived
 * whole. begin: a contact begins, and what the cluster sends in it is fixed. sample: what members
 * know of other clusters is examined.
 */
export interface Entry {
  timeMs: number;
  kind: 'arrival' | 'begin' | 'sample';
  /** The other cluster of the contact; −1 for a sample. */
  partner: number;
  /** Begin of the contact. */
  beginMs: number;
}

const rank = { arrival: 0, begin: 1, sample: 2 } as const;

/** Order of entries; the plan alone decides it. */
function compareEntries(one: Entry, other: Entry): number {
  return (
    one.timeMs - other.timeMs ||
    rank[one.kind] - rank[other.kind] ||
    one.partner - other.partner ||
    one.beginMs - other.beginMs
  );
}

/** The entries of one contact, as [cluster, entry]. */
export function entriesOf({ a, b, beginMs, endMs, lightTimeMs }: Contact): [number, Entry][] {
  return [
    [a, b],
    [b, a],
  ].flatMap(([cluster, partner]): [number, Entry][] => [
    [cluster, { timeMs: beginMs, kind: 'begin', partner, beginMs }],
    [cluster, { timeMs: endMs + lightTimeMs, kind: 'arrival', partner, beginMs }],
  ]);
}

/** Entries of one cluster that are still to come, in order. */
export class Agenda {
  /** Days whose contacts are entered. */
  days = 0;
  #entries: Entry[] = [];
  #next = 0;

  /** Adds entries, none of which is before one that was taken. */
  add(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#entries = [...this.#entries.slice(this.#next), ...entries].sort(compareEntries);
    this.#next = 0;
  }

  /** The next entry; undefined: none is planned. */
  get next(): Entry | undefined {
    return this.#entries[this.#next];
  }

  take(): void {
    this.#next += 1;
  }
}

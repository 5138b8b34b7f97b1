import { dayMs, type Position, positionAt } from './kepler.ts';
import { distanceKm, isNearSun, lightMsOver } from './link.ts';
import type { Places } from './places.ts';
import { type Timetable, timetableOf } from './timetable.ts';

/**
 * One contact of two clusters, a < b. Both send from `beginMs` to `endMs` of mission time, and hear
 * each other a light time later, both at once.
 */
export interface Contact {
  a: number;
  b: number;
  beginMs: number;
  endMs: number;
  lightTimeMs: number;
  bitsPerS: number;
}

/** One day of the plan. */
export interface DayPlan {
  timetable: Timetable;
  /** In the order of time. */
  contacts: readonly Contact[];
  /** Contacts of the timetable that the Sun prevents. */
  nearSun: number;
  /** Contacts that are left out because one of the day before is still on the air. */
  displaced: number;
}

/** Least time from one contact of a pair to its next. */
const pairGapMsMin = 600_000;
const hourMs = 3_600_000;
/** How long after its begin a contact is on the air at most: 5.7 AU of light time, and itself. */
const contactMsMax = hourMs;

/**
 * Plans the contacts of a fleet day by day: the timetable of each day, repeated in each period. A
 * day's contacts are a function of places, day and period, whatever was asked before.
 */
export class ContactPlanner {
  readonly places: Places;
  readonly periodMs: number;
  #timetable: Timetable | null = null;

  /** `periodMs`: 10 minutes or more, a whole part of a day. Throws RangeError. */
  constructor(places: Places, periodMs = hourMs) {
    if (!(periodMs >= pairGapMsMin && dayMs % periodMs === 0))
      throw new RangeError(`a period is 10 minutes or more, and a whole part of a day, not ${periodMs} ms`);
    this.places = places;
    this.periodMs = periodMs;
  }

  /** Returns the contacts that begin on a day, 0 or later. */
  dayPlan(day: number): DayPlan {
    const before = day === 0 ? null : this.#timetableOf(day - 1);
    const timetable = this.#timetableOf(day);
    const beginMs = day * dayMs;
    const late = before === null ? [] : this.#listed(before, beginMs - contactMsMax, beginMs).contacts;
    const { contacts, nearSun } = this.#listed(timetable, beginMs, beginMs + dayMs);
    const lateOf = byCluster(late);
    const fits = (contact: Contact) =>
      [contact.a, contact.b].every((cluster) => lateOf.get(cluster)?.every((each) => goesWith(contact, each)) ?? true);
    const kept = contacts.filter((contact) => contact.beginMs >= beginMs + contactMsMax || fits(contact));
    return { timetable, contacts: kept, nearSun, displaced: contacts.length - kept.length };
  }

  #timetableOf(day: number): Timetable {
    if (this.#timetable?.day !== day) this.#timetable = timetableOf(this.places, day, this.periodMs);
    return this.#timetable;
  }

  /** Lists the contacts of a timetable that begin in a part of its day. */
  #listed({ day, entries }: Timetable, fromMs: number, untilMs: number): { contacts: Contact[]; nearSun: number } {
    const contacts: Contact[] = [];
    let nearSun = 0;
    const first = Math.floor((fromMs - day * dayMs) / this.periodMs) * this.periodMs;
    for (let periodMs = day * dayMs + first; periodMs < untilMs; periodMs += this.periodMs) {
      for (const { a, b, offsetMs, durationMs, bitsPerS } of entries) {
        const beginMs = periodMs + offsetMs;
        if (beginMs < fromMs || beginMs >= untilMs) continue;
        const [one, other] = [this.#positionOf(a, beginMs), this.#positionOf(b, beginMs)];
        if (isNearSun(one, other)) nearSun += 1;
        else {
          const lightTimeMs = lightMsOver(distanceKm(one, other));
          contacts.push({ a, b, beginMs, endMs: beginMs + durationMs, lightTimeMs, bitsPerS });
        }
      }
    }
    return { contacts, nearSun };
  }

  #positionOf(cluster: number, timeMs: number): Position {
    return positionAt(this.places.clusters[cluster].orbit, timeMs);
  }
}

function byCluster(contacts: readonly Contact[]): Map<number, Contact[]> {
  const found = new Map<number, Contact[]>();
  for (const contact of contacts) {
    for (const cluster of [contact.a, contact.b]) {
      const list = found.get(cluster);
      if (list === undefined) found.set(cluster, [contact]);
      else list.push(contact);
    }
  }
  return found;
}

/** Says whether a contact can follow one of the day before that shares a cluster with it. */
function goesWith(contact: Contact, before: Contact): boolean {
  if (contact.a === before.a && contact.b === before.b) return contact.beginMs - before.beginMs >= pairGapMsMin;
  return !overlaps(contact, before);
}

/** Says whether a dish that two contacts share would have to be turned to two partners at once. */
function overlaps(one: Contact, other: Contact): boolean {
  const [light, otherLight] = [one.lightTimeMs, other.lightTimeMs];
  const meet = (shift: number, otherShift: number) =>
    one.beginMs + shift < other.endMs + otherShift && other.beginMs + otherShift < one.endMs + shift;
  return meet(0, 0) || meet(light, otherLight) || meet(0, otherLight) || meet(light, 0);
}

/** The part of a plan that is asked for: contacts that begin in [fromMs, untilMs), mission time. */
export interface PlanWindow {
  fromMs: number;
  untilMs: number;
  periodMs?: number;
}

/**
 * Yields the contacts of a window in the order of time, a day at a time. The same contacts come
 * from any cut into windows. Throws RangeError as `ContactPlanner` does.
 */
export function* contactPlan(places: Places, { fromMs, untilMs, periodMs }: PlanWindow): Generator<Contact> {
  const planner = new ContactPlanner(places, periodMs);
  for (let day = Math.floor(Math.max(0, fromMs) / dayMs); day * dayMs < untilMs; day += 1) {
    for (const contact of planner.dayPlan(day).contacts)
      if (contact.beginMs >= fromMs && contact.beginMs < untilMs) yield contact;
  }
}

import { TraceHash } from '../../kernel/trace_hash.ts';
import { type Contact, ContactPlanner, type DayPlan } from '../../world/orbits/contact_plan.ts';
import { componentsOf, graphOf, survivesAnyLoss } from '../../world/orbits/graph.ts';
import { auKm, dayMs, positionAt } from '../../world/orbits/kepler.ts';
import { News, type NewsTimes } from '../../world/orbits/news.ts';
import type { Place, Places } from '../../world/orbits/places.ts';

interface Span {
  min: number;
  max: number;
}

interface Spread extends Span {
  median: number;
}

interface ReportedPlace {
  cluster: number;
  region: number;
  kind: Place['kind'];
  body: string | null;
  aAu: number;
  e: number;
  iDeg: number;
  /** Distance from the Sun at mission time 0. */
  sunAu: number;
}

/** The contacts within one region; or, with region null, those between regions. */
interface ReportedGroup {
  region: number | null;
  clusters: number;
  /** Of the first day. */
  pairs: number;
  /** Nearest clusters with which each one has contacts, over the days. */
  nearest: Span | null;
  contacts: number;
  lightTimeMs: Span | null;
  /** From any cluster to all others: of the region, or of the fleet. Null: some never arrived. */
  news: NewsTimes | null;
  newsDays: number;
}

export interface ContactsReport {
  seed: number;
  days: number;
  periodMin: number;
  places: ReportedPlace[];
  /** The regions, and last the contacts between them. */
  groups: ReportedGroup[];
  contacts: number;
  /** Of a cluster: its mean contacts a day. */
  contactsADay: Spread;
  /** Of a cluster: the share of time for which its dish is turned to another one. */
  radioUse: Spread;
  /** Least time from the begin of a contact to its arrival. */
  lookaheadMs: number | null;
  bitsPerS: Span | null;
  /** Mean share of the regions' pairs without link at noon, for the Sun or the distance. */
  withoutLink: number;
  /** Contacts left out for the Sun, and at the change of two days' timetables. */
  nearSun: number;
  displaced: number;
  /** Pairs, summed over the days, for whom the radios had no time. */
  unscheduled: number;
  /** The most components that the graph of a day has. */
  components: number;
  /** Days on which the loss of one cluster can divide the fleet. */
  daysDivisible: number;
  planHash: string;
  firstHour: Contact[];
}

/** Days over which the news of the whole fleet is followed: that costs clusters³. */
const fleetNewsDays = 3;
const hourMs = 3_600_000;

/** The least and the greatest of the numbers that it was given. */
class Extremes {
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  span(): Span | null {
    return this.#min > this.#max ? null : { min: this.#min, max: this.#max };
  }
}

/** Gathers the figures of one group while the plan goes by. */
class Group {
  readonly region: number | null;
  readonly lights = new Extremes();
  readonly nearest = new Extremes();
  readonly news: News;
  readonly newsDays: number;
  readonly clusters: readonly number[];
  pairs = 0;
  contacts = 0;

  constructor(region: number | null, clusters: readonly number[], days: number) {
    this.region = region;
    this.clusters = clusters;
    this.news = new News(clusters, 0);
    this.newsDays = region === null ? Math.min(days, fleetNewsDays) : days;
  }

  count(contact: Contact): void {
    this.contacts += 1;
    this.lights.add(contact.lightTimeMs);
  }

  report(): ReportedGroup {
    const { region, clusters, pairs, contacts, lights, nearest, news, newsDays } = this;
    const times = { news: news.times(newsDays * dayMs), newsDays };
    const counts = { region, clusters: clusters.length, pairs, nearest: nearest.span() };
    return { ...counts, contacts, lightTimeMs: lights.span(), ...times };
  }
}

/** Gathers the figures of a plan day by day. */
class Gathering {
  readonly #places: Places;
  readonly #groups: Group[];
  readonly #fleet: Group;
  readonly #hash = new TraceHash();
  readonly #counts: Float64Array;
  readonly #busyMs: Float64Array;
  readonly #lookaheads = new Extremes();
  readonly #rates = new Extremes();
  readonly #firstHour: Contact[] = [];
  readonly #sums = { contacts: 0, withoutLink: 0, possible: 0, nearSun: 0, displaced: 0, unscheduled: 0 };
  #components = 0;
  #daysDivisible = 0;

  constructor(places: Places, days: number) {
    this.#places = places;
    this.#groups = places.regions.map(({ clusters }, region) => new Group(region, clusters, days));
    this.#fleet = new Group(
      null,
      places.clusters.map((_, cluster) => cluster),
      days,
    );
    this.#counts = new Float64Array(places.clusters.length);
    this.#busyMs = new Float64Array(places.clusters.length);
  }

  #groupOf({ a, b }: { a: number; b: number }): Group {
    const { clusters } = this.#places;
    return clusters[a].region === clusters[b].region ? this.#groups[clusters[a].region] : this.#fleet;
  }

  add({ timetable, contacts, nearSun, displaced }: DayPlan): void {
    const { day, neighbours, entries, unscheduled } = timetable;
    const sums = this.#sums;
    sums.contacts += contacts.length;
    sums.withoutLink += neighbours.withoutLink;
    sums.possible += neighbours.possible;
    sums.nearSun += nearSun;
    sums.displaced += displaced;
    sums.unscheduled += unscheduled.length;
    for (const [region, nearest] of neighbours.nearest.entries()) this.#groups[region].nearest.add(nearest);
    if (day === 0) for (const entry of entries) this.#groupOf(entry).pairs += 1;
    const graph = graphOf(this.#counts.length, entries);
    this.#components = Math.max(this.#components, componentsOf(graph));
    if (!survivesAnyLoss(graph)) this.#daysDivisible += 1;
    for (const contact of contacts) this.#take(contact);
  }

  #take(contact: Contact): void {
    const { a, b, beginMs, endMs, lightTimeMs, bitsPerS } = contact;
    const group = this.#groupOf(contact);
    group.count(contact);
    if (group !== this.#fleet) group.news.take(contact);
    if (beginMs < this.#fleet.newsDays * dayMs) this.#fleet.news.take(contact);
    // A dish is busy while it sends and while it receives; at small distances both at once.
    const busyMs = endMs - beginMs + Math.min(endMs - beginMs, lightTimeMs);
    for (const cluster of [a, b]) {
      this.#counts[cluster] += 1;
      this.#busyMs[cluster] += busyMs;
    }
    this.#lookaheads.add(endMs - beginMs + lightTimeMs);
    this.#rates.add(bitsPerS);
    this.#hash.time(beginMs);
    for (const value of [a, b, endMs - beginMs, lightTimeMs, bitsPerS]) this.#hash.word(value);
    if (beginMs < hourMs) this.#firstHour.push(contact);
  }

  report(days: number, periodMin: number): ContactsReport {
    const { seed } = this.#places;
    const { withoutLink, possible, ...sums } = this.#sums;
    return {
      ...{ seed, days, periodMin },
      places: reportedPlaces(this.#places),
      groups: [...this.#groups, this.#fleet].map((group) => group.report()),
      ...sums,
      contactsADay: spreadOf(this.#counts.map((count) => count / days)),
      radioUse: spreadOf(this.#busyMs.map((ms) => ms / (days * dayMs))),
      lookaheadMs: this.#lookaheads.span()?.min ?? null,
      bitsPerS: this.#rates.span(),
      withoutLink: possible === 0 ? 0 : withoutLink / possible,
      components: this.#components,
      daysDivisible: this.#daysDivisible,
      planHash: this.#hash.digest(),
      firstHour: this.#firstHour,
    };
  }
}

function spreadOf(values: Float64Array): Spread {
  const sorted = values.toSorted();
  return { min: sorted[0], median: sorted[sorted.length >> 1], max: sorted[sorted.length - 1] };
}

function reportedPlaces({ clusters }: Places): ReportedPlace[] {
  return clusters.map(({ region, kind, body, orbit }, cluster) => {
    const { aAu, e, inclination } = orbit.elements;
    const { x, y, z } = positionAt(orbit, 0);
    const sunAu = Math.sqrt(x * x + y * y + z * z) / auKm;
    return { cluster, region, kind, body: body?.designation ?? null, aAu, e, iDeg: inclination * 360, sunAu };
  });
}

/** Plans the contacts of so many days; `onDay` is called after each. */
export function contactsReport(
  places: Places,
  days: number,
  periodMin: number,
  onDay: (day: number) => void,
): ContactsReport {
  const planner = new ContactPlanner(places, periodMin * 60_000);
  const gathering = new Gathering(places, days);
  for (let day = 0; day < days; day += 1) {
    gathering.add(planner.dayPlan(day));
    onDay(day + 1);
  }
  return gathering.report(days, periodMin);
}

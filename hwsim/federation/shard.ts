import { createEngine } from '../../host/engine/load.ts';
import type { TraceConsumer } from '../kernel/trace.ts';
import { type Contact, ContactPlanner } from '../world/orbits/contact_plan.ts';
import { layPlaces, type Places } from '../world/orbits/places.ts';
import { type Entry, entriesOf } from './agenda.ts';
import { FleetCluster, type ClusterResult } from './cluster.ts';
import { Directory } from './directory.ts';
import { ClusterMemory } from './memory.ts';
import type { FleetSetting } from './setting.ts';

/** What one cluster sends another in a contact: fixed at its begin. */
export interface Carried {
  from: number;
  to: number;
  beginMs: number;
  frames: Uint8Array[];
}

/** What flying on brought. */
export interface Flown {
  /** For clusters of other shards. */
  carried: Carried[];
  result: ClusterResult | null;
  /** Mission milliseconds × nodes that were flown. */
  nodeMs: number;
}

const dayMs = 86_400_000;
/** A cluster flies no longer at a time, so that progress is seen. */
const turnMsMax = 2 * 3_600_000;

const keyOf = ({ from, to, beginMs }: Omit<Carried, 'frames'>) => `${beginMs}/${from}/${to}`;

interface ShardParts {
  setting: FleetSetting;
  image: Uint8Array;
  /** Which clusters are its own; default: all. */
  isOwn?: (index: number) => boolean;
  /** Contacts that begin on a day; default: those of the plan. */
  contactsOf?: (day: number, places: Places) => readonly Contact[];
  /** Consumers of a cluster's trace beside its judges. */
  consumersOf?: (index: number) => TraceConsumer[];
}

/**
 * Flies some clusters of a fleet. A cluster flies until it would receive what its neighbour has not
 * sent yet, then the hindmost one that can fly goes on. What a cluster receives depends on the plan
 * and on the senders at the contact's begin only, so neither the order nor the threads matter. The
 * hindmost cluster of all can always fly: what it waits for began before.
 */
export class Shard {
  readonly directory: Directory;
  readonly #clusters = new Map<number, FleetCluster>();
  readonly #sizes: readonly number[];
  readonly #places: Places;
  readonly #contactsOf: (day: number) => readonly Contact[];
  readonly #endMs: number;
  /** What has been sent and did not arrive yet. */
  readonly #carried = new Map<string, Uint8Array[]>();
  #plannedDays = 0;

  constructor({ setting, image, isOwn = () => true, contactsOf, consumersOf }: ShardParts) {
    const { sizes, seed, scenario } = setting;
    const places = layPlaces({ seed, clusters: sizes.length });
    const planner = new ContactPlanner(places);
    this.#places = places;
    this.#sizes = sizes;
    this.#contactsOf = (day) => contactsOf?.(day, places) ?? planner.dayPlan(day).contacts;
    this.#endMs = Math.round(scenario.days * dayMs);
    this.directory = new Directory(setting);
    const own = sizes.map((_, index) => index).filter(isOwn);
    const { contextBytes } = createEngine(setting.engine, image).image;
    const memory = new ClusterMemory(
      own.map((index) => sizes[index]),
      contextBytes,
      (pages) => createEngine(setting.engine, image, { pages }),
    );
    for (const index of own) {
      const { directory } = this;
      const parts = { setting, index, places, directory, engine: memory.next(), image };
      const consumers = consumersOf?.(index) ?? [];
      this.#clusters.set(index, new FleetCluster(parts, consumers));
    }
  }

  /** Whether all own clusters have ended. */
  get isDone(): boolean {
    return this.#clusters.size === 0;
  }

  /** Takes what a cluster of another shard sends an own one. */
  take(carried: readonly Carried[]): void {
    for (const each of carried) this.#carried.set(keyOf(each), each.frames);
  }

  /** Flies the hindmost cluster that can fly; null: all wait for other shards, or have ended. */
  fly(): Flown | null {
    let hindmost: FleetCluster | null = null;
    for (const cluster of this.#clusters.values())
      if ((hindmost === null || cluster.atMs < hindmost.atMs) && this.#canFly(cluster)) hindmost = cluster;
    return hindmost === null ? null : this.#turn(hindmost);
  }

  #canFly(cluster: FleetCluster): boolean {
    const entry = cluster.agenda.next;
    return entry === undefined || !this.#waits(cluster, entry);
  }

  #waits({ index }: FleetCluster, { kind, partner, beginMs }: Entry): boolean {
    return kind === 'arrival' && !this.#carried.has(keyOf({ from: partner, to: index, beginMs }));
  }

  /** Flies one cluster until it waits, or has flown long enough. */
  #turn(cluster: FleetCluster): Flown {
    const fromMs = cluster.atMs;
    const untilMs = Math.min(fromMs + turnMsMax, this.#endMs);
    while (this.#plannedDays * dayMs <= untilMs) this.#planDay();
    const flown: Flown = { carried: [], result: null, nodeMs: 0 };
    for (;;) {
      const entry = cluster.agenda.next;
      if (entry !== undefined && entry.timeMs <= untilMs) {
        if (this.#waits(cluster, entry)) break;
        cluster.agenda.take();
        cluster.flyTo(entry.timeMs);
        this.#meet(cluster, entry, flown);
        continue;
      }
      cluster.flyTo(untilMs);
      if (untilMs === this.#endMs) {
        flown.result = cluster.finish();
        this.#clusters.delete(cluster.index);
      }
      break;
    }
    flown.nodeMs = (cluster.atMs - fromMs) * this.#sizes[cluster.index];
    return flown;
  }

  #meet(cluster: FleetCluster, { kind, partner, beginMs }: Entry, flown: Flown): void {
    if (kind === 'sample') return cluster.sample();
    if (kind === 'begin') {
      const carried = { from: cluster.index, to: partner, beginMs, frames: cluster.framesFor(partner) };
      if (this.#clusters.has(partner)) this.take([carried]);
      else flown.carried.push(carried);
      return;
    }
    const key = keyOf({ from: partner, to: cluster.index, beginMs });
    cluster.take(partner, this.#carried.get(key)!);
    this.#carried.delete(key);
  }

  /** Enters the contacts of the next day. Clusters of two regions have nothing to say yet. */
  #planDay(): void {
    const { clusters } = this.#places;
    const added = new Map<number, Entry[]>();
    for (const contact of this.#contactsOf(this.#plannedDays)) {
      if (clusters[contact.a].region !== clusters[contact.b].region) continue;
      for (const [index, entry] of entriesOf(contact)) {
        if (entry.timeMs > this.#endMs || !this.#clusters.has(index)) continue;
        const entries = added.get(index);
        if (entries === undefined) added.set(index, [entry]);
        else entries.push(entry);
      }
    }
    for (const [index, entries] of added) this.#clusters.get(index)!.agenda.add(entries);
    this.#plannedDays += 1;
  }
}

import { createEngine } from '../../host/engine/load.ts';
import type { TraceConsumer } from '../kernel/trace.ts';
import { type Contact, ContactPlanner } from '../world/orbits/contact_plan.ts';
import { layPlaces, type Places } from '../world/orbits/places.ts';
import { type Entry, entriesOf } from './agenda.ts';
import { FleetCluster, type ClusterResult, type FlyingCluster } from './cluster.ts';
import { Directory } from './directory.ts';
import { ObjectGraph, type SavedGraph } from './graph.ts';
import { Kernels, shippedOutcomes } from './kernels.ts';
import { ClusterMemory } from './memory.ts';
import { ModelledCluster } from './modelled_cluster.ts';
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
  results: ClusterResult[];
  /** Mission milliseconds × nodes that were flown, and in how many turns. */
  nodeMs: number;
  turns: number;
}

/** All that a cluster is at an instant between two turns. */
export interface ClusterState {
  graph: SavedGraph;
  memory: Uint8Array;
  /** What was sent to it and did not arrive yet. */
  carried: Carried[];
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
  /** Consumers of a cluster's trace beside its judges. They are no part of its state. */
  consumersOf?: (index: number) => TraceConsumer[];
  /** Whether states will be taken; default: no. */
  isSaved?: boolean;
  /** The state with which a cluster goes on; null: it has ended. Left out: all begin. */
  stateOf?: (index: number) => ClusterState | null;
}

function memoryOf({ sizes, engine }: FleetSetting, image: Uint8Array): ClusterMemory {
  const { contextBytes } = createEngine(engine, image).image;
  return new ClusterMemory(sizes, contextBytes, (pages) => createEngine(engine, image, { pages }));
}

/**
 * Flies some clusters of a fleet. A cluster flies until it would receive what its neighbour has not
 * sent yet, then the hindmost one that can fly goes on. What a cluster receives depends on the plan
 * and on the senders at the contact's begin only, so neither the order nor the threads matter. The
 * hindmost cluster of all can always fly: what it waits for began before.
 */
export class Shard {
  readonly directory: Directory;
  readonly #clusters = new Map<number, FlyingCluster>();
  readonly #sizes: readonly number[];
  readonly #places: Places;
  readonly #contactsOf: (day: number) => readonly Contact[];
  readonly #endMs: number;
  /** What has been sent and did not arrive yet. */
  readonly #carried = new Map<string, Carried>();
  /** null: no node flies. */
  readonly #memory: ClusterMemory | null;
  /** Only when states are taken. */
  readonly #graphs = new Map<FlyingCluster, ObjectGraph>();
  #plannedDays = 0;

  constructor(parts: ShardParts) {
    const { setting, image, isOwn = () => true, contactsOf, isSaved = false, stateOf } = parts;
    const { sizes, seed, scenario } = setting;
    const places = layPlaces({ seed, clusters: sizes.length });
    const planner = new ContactPlanner(places);
    this.#places = places;
    this.#sizes = sizes;
    this.#contactsOf = (day) => contactsOf?.(day, places) ?? planner.dayPlan(day).contacts;
    this.#endMs = Math.round(scenario.days * dayMs);
    this.directory = new Directory(setting);
    this.#memory = setting.rung === 'firmware' ? memoryOf(setting, image) : null;
    const kernels = this.#memory === null ? new Kernels(shippedOutcomes()) : null;
    for (const index of sizes.keys()) {
      if (kernels !== null) {
        if (isOwn(index)) this.#clusters.set(index, new ModelledCluster(setting, index, places, kernels));
        continue;
      }
      const state = isOwn(index) ? stateOf?.(index) : null;
      if (state === null) continue;
      const cluster = this.#layCluster(index, parts, isSaved || state !== undefined);
      if (state !== undefined) this.#restore(cluster, state);
      else this.#graphs.get(cluster)?.begin();
    }
    const planned = [...this.#clusters.values()].map(({ agenda }) => agenda.days);
    this.#plannedDays = planned.length === 0 ? 0 : Math.min(...planned);
  }

  #layCluster(index: number, { setting, image, consumersOf }: ShardParts, isSaved: boolean): FleetCluster {
    const engine = this.#memory!.engineOf(index);
    const { directory } = this;
    const places = this.#places;
    const consumers = consumersOf?.(index) ?? [];
    const cluster = new FleetCluster({ setting, index, places, directory, engine, image }, consumers);
    this.#clusters.set(index, cluster);
    if (isSaved) {
      const kept = [setting, places, directory, engine, engine.calls, image, ...consumers];
      this.#graphs.set(cluster, new ObjectGraph(cluster, kept, engine.view().buffer));
    }
    return cluster;
  }

  #restore(cluster: FlyingCluster, { graph, memory, carried }: ClusterState): void {
    this.#graphs.get(cluster)!.restore(graph);
    this.#memory!.bytesOf(cluster.index).set(memory);
    this.take(carried);
  }

  /** Takes the states of the clusters that fly, between two turns. */
  *states(): Generator<{ index: number; state: ClusterState }> {
    for (const [index, cluster] of this.#clusters) {
      const graph = this.#graphs.get(cluster)!.save();
      const carried = [...this.#carried.values()].filter(({ to }) => to === index);
      yield { index, state: { graph, memory: this.#memory!.bytesOf(index), carried } };
    }
  }

  /** Whether all own clusters have ended. */
  get isDone(): boolean {
    return this.#clusters.size === 0;
  }

  /** Takes what a cluster of another shard sends an own one. */
  take(carried: readonly Carried[]): void {
    for (const each of carried) this.#carried.set(keyOf(each), each);
  }

  /** Flies the hindmost cluster that can fly; null: all wait for other shards, or have ended. */
  fly(): Flown | null {
    let hindmost: FlyingCluster | null = null;
    for (const cluster of this.#clusters.values())
      if ((hindmost === null || cluster.atMs < hindmost.atMs) && this.#canFly(cluster)) hindmost = cluster;
    return hindmost === null ? null : this.#turn(hindmost);
  }

  #canFly(cluster: FlyingCluster): boolean {
    const entry = cluster.agenda.next;
    return entry === undefined || !this.#waits(cluster, entry);
  }

  #waits({ index }: FlyingCluster, { kind, partner, beginMs }: Entry): boolean {
    return kind === 'arrival' && !this.#carried.has(keyOf({ from: partner, to: index, beginMs }));
  }

  /** Flies one cluster until it waits, or has flown long enough. */
  #turn(cluster: FlyingCluster): Flown {
    const fromMs = cluster.atMs;
    const untilMs = Math.min(fromMs + turnMsMax, this.#endMs);
    while (this.#plannedDays * dayMs <= untilMs) this.#planDay();
    const flown: Flown = { carried: [], results: [], nodeMs: 0, turns: 1 };
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
        flown.results.push(cluster.finish());
        this.#clusters.delete(cluster.index);
        this.#graphs.delete(cluster);
      }
      break;
    }
    flown.nodeMs = (cluster.atMs - fromMs) * this.#sizes[cluster.index];
    return flown;
  }

  #meet(cluster: FlyingCluster, { kind, partner, beginMs }: Entry, flown: Flown): void {
    if (kind === 'sample') return cluster.sample();
    if (kind === 'begin') {
      const carried = { from: cluster.index, to: partner, beginMs, frames: cluster.framesFor(partner) };
      if (this.#clusters.has(partner)) this.take([carried]);
      else flown.carried.push(carried);
      return;
    }
    const key = keyOf({ from: partner, to: cluster.index, beginMs });
    cluster.take(partner, this.#carried.get(key)!.frames);
    this.#carried.delete(key);
  }

  /**
   * Enters the contacts of the next day. Clusters of two regions have nothing to say yet. After a
   * checkpoint of several threads, some clusters may have the day already.
   */
  #planDay(): void {
    const { clusters } = this.#places;
    const day = this.#plannedDays;
    const added = new Map<FlyingCluster, Entry[]>();
    for (const cluster of this.#clusters.values()) if (cluster.agenda.days === day) added.set(cluster, []);
    for (const contact of this.#contactsOf(day)) {
      if (clusters[contact.a].region !== clusters[contact.b].region) continue;
      for (const [index, entry] of entriesOf(contact)) {
        const cluster = this.#clusters.get(index);
        if (cluster !== undefined && entry.timeMs <= this.#endMs) added.get(cluster)?.push(entry);
      }
    }
    for (const [{ agenda }, entries] of added) {
      agenda.add(entries);
      agenda.days += 1;
    }
    this.#plannedDays += 1;
  }
}

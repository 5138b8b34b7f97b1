import { GROUP_KIND, WORK_KIND, WORK_STATUS } from '../../host/cbor/generated.ts';
import { RandomStream } from '../kernel/random.ts';
import type { WorldChange } from '../kernel/trace.ts';
import type { BoundingChange } from './history.ts';
import type { WorldPlan } from './plan.ts';
import { World, type WorldListener } from './world.ts';

const msPerHour = 3_600_000;
const intentSlot = { mine: 0, haul: 1 } as const;
/**
 * A node checks its site's yield after so many hours. *Assumed*: sooner, it cannot distinguish a
 * bad site from a bad start.
 */
const lookHours = 6;
/** A node stays at a site that yields as long as the shortest coordinated claim. */
const shiftHours = 48;
const haulHours = 2;

/** What one greedy node knows: since when it is at its site, and what the site yielded. */
interface Digger {
  sinceHour: number;
  yieldKg: number;
  placed: boolean;
}

/**
 * Simulates the baseline: nodes in the same world, with the same disruptions, that act alone and
 * hear nobody. Each node digs at a usable site drawn at random. It leaves the site when the site
 * yielded nothing within six hours (another node digs there, or the site is empty) or after two
 * days. It hauls with a tug drawn at random when its store is half full. Mined kilograms are
 * counted as in any run.
 */
export class GreedyNodesModel implements WorldListener {
  private readonly plan: WorldPlan;
  private readonly world: World;
  private readonly random: RandomStream;
  private readonly diggers: Digger[];

  constructor(plan: WorldPlan, seed: number) {
    this.plan = plan;
    this.world = new World(plan, this);
    this.random = new RandomStream(seed, 'greedy');
    this.diggers = plan.nodes.map(() => ({ sinceHour: 0, yieldKg: 0, placed: false }));
  }

  change(_timeMs: number, change: WorldChange): void {
    if (change.kind !== 'credit') return;
    const group = this.plan.groups.find((each) => each.group === change.group);
    if (group?.kind === GROUP_KIND.lot) this.diggers[change.node].yieldKg += change.kg;
  }

  progress(_timeMs: number, node: number, slot: number, status: number): void {
    if (slot === intentSlot.mine && status !== WORK_STATUS.running) this.diggers[node].placed = false;
  }

  /**
   * Runs to the end and returns kilograms mined. Each node decides once an hour, at its own minute.
   */
  run(changes: readonly { timeMs: number; change: BoundingChange }[], endMs: number): number {
    let next = 0;
    for (let hour = 0; hour * msPerHour < endMs; hour += 1) {
      for (let node = 0; node < this.diggers.length; node += 1) {
        const timeMs = hour * msPerHour + Math.floor((node * msPerHour) / this.diggers.length);
        if (timeMs >= endMs) break;
        next = this.apply(changes, next, timeMs);
        this.world.advance(timeMs);
        if (this.world.isUp(node)) this.look(timeMs, hour, node);
      }
      this.world.reportCredits(Math.min(endMs, hour * msPerHour + msPerHour - 1));
    }
    this.apply(changes, next, endMs);
    this.world.advance(endMs);
    this.world.reportCredits(endMs);
    return this.world.minedKg;
  }

  private apply(changes: readonly { timeMs: number; change: BoundingChange }[], from: number, untilMs: number): number {
    let next = from;
    for (; next < changes.length && changes[next].timeMs <= untilMs; next += 1) {
      const { timeMs, change } = changes[next];
      this.world.advance(timeMs);
      // A lot that was emptied by digging belongs to the other world: this world empties its own.
      if (change.kind === 'group-capacity' && change.disruption === null) continue;
      this.world.applyDisruption(timeMs, change);
      if (change.kind === 'node-down') this.diggers[change.node].placed = false;
    }
    return next;
  }

  private look(timeMs: number, hour: number, node: number): void {
    const digger = this.diggers[node];
    const stayedHours = hour - digger.sinceHour;
    const barren = stayedHours >= lookHours && digger.yieldKg <= 0;
    if (stayedHours > 0 && stayedHours % lookHours === 0) digger.yieldKg = 0;
    if (!digger.placed || barren || stayedHours >= shiftHours) this.dig(timeMs, hour, node);
    if (this.world.storedKg(timeMs, node) * 2 >= this.plan.nodes[node].storageKg) this.haul(timeMs, node);
  }

  private dig(timeMs: number, hour: number, node: number): void {
    const digger = this.diggers[node];
    this.world.stopWork(timeMs, node, intentSlot.mine);
    const resource = this.pick(GROUP_KIND.lot);
    digger.placed = resource !== null;
    digger.sinceHour = hour;
    digger.yieldKg = 0;
    if (resource === null) return;
    this.world.startWork(timeMs, node, intentSlot.mine, {
      kind: WORK_KIND.mine,
      resource,
      rateKgPerDay: this.plan.nodes[node].rateKgPerDay,
      untilMs: timeMs + (shiftHours + 1) * msPerHour,
    });
  }

  private haul(timeMs: number, node: number): void {
    const resource = this.pick(GROUP_KIND.depot);
    if (resource === null) return;
    const untilMs = timeMs + haulHours * msPerHour;
    this.world.startWork(timeMs, node, intentSlot.haul, { kind: WORK_KIND.haul, resource, rateKgPerDay: 0, untilMs });
  }

  /**
   * Draws a usable unit of that kind of group, each with equal probability; null when there is
   * none.
   */
  private pick(kind: number): number | null {
    const units: number[] = [];
    for (const group of this.plan.groups) {
      if (group.kind !== kind || this.world.capacityKgPerDay(group.group) <= 0) continue;
      for (let unit = 1; unit <= group.units; unit += 1) {
        if (this.world.unitUsable(group.group, unit)) units.push((group.group << 16) | unit);
      }
    }
    return units.length === 0 ? null : units[this.random.below(units.length)];
  }
}

import { BOOT_CAUSE, TYPE } from '../../host/cbor/generated.ts';
import type { Engine, ImageFacts } from '../../host/engine/engine.ts';
import type { CipherName } from '../../host/security/cipher.ts';
import { Boards } from '../board/boards.ts';
import type { Controller } from '../board/controller.ts';
import type { CallCounts } from '../../host/platform/loop.ts';
import { SIMULATED_CLUSTER } from '../../host/security/simulated_keys.ts';
import { Channel } from '../channel/channel.ts';
import { drawFaults, type Fault } from '../fault/draw.ts';
import type { FieldMutation } from '../fault/field_mutation.ts';
import type { Upset } from '../fault/upsets.ts';
import { EventQueue } from '../kernel/queue.ts';
import { RandomStream } from '../kernel/random.ts';
import { Tracer } from '../kernel/tracer.ts';
import type { DisruptionFact, TraceConsumer } from '../kernel/trace.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { Body } from '../world/bodies.ts';
import { layWorld, type WorldPlan } from '../world/plan.ts';
import { eventKind } from '../kernel/event_kinds.ts';
import { FaultInjector } from './faults.ts';
import { Custody, type CustodyCounts, type FederationSeat, foreignEveryMs } from './custody.ts';
import { GroundKeyService } from './ground.ts';
import { NodePlatform } from './platform.ts';
import { drawInsider, Insider, type InsiderFacts, type InsiderParts } from './insider.ts';
import { byzantineCodec } from './byzantine_codec.ts';
import { layFaultableFleet, type FaultableFleet } from './upsets.ts';

/** A platform record from outside the simulation, as work that an operator assigns. */
export interface Given {
  timeMs: number;
  node: number;
  /** Type and fields in the order of the schema. */
  fields: number[];
}

export interface RunOptions {
  seed: number;
  days: number;
  nodes: number;
  body: Body;
  /** A fresh engine of the scenario's preset: a run uses its memory. */
  engine: Engine;
  /** Nodes whose firmware runs outside `engine`. */
  controllers?: ReadonlyMap<number, Controller>;
  /** Makes another instance of the same image: a scenario with upsets needs one for each node. */
  ownEngine?: () => Engine;
  consumers?: TraceConsumer[];
  given?: readonly Given[];
  /** The cluster's place among others; left out: it has none, and the number of scenarios. */
  federation?: FederationSeat;
  /** What the Byzantine node sends instead of its scenario's attacks. */
  mutation?: FieldMutation;
  /** Called about once per simulated hour. */
  onProgress?: (simulatedS: number, totalS: number) => void;
}

export interface RunFacts {
  traceHash: string;
  decisionHash: string;
  nodes: number;
  days: number;
  firmware: ImageFacts;
  simulatedS: number;
  /**
   * Calls into firmware that carried input or output (boot, receive, observe, tick, and each
   * transmit, command and event that returned something), and world changes. Empty polls do not
   * count.
   */
  events: number;
  calls: CallCounts;
  radio: {
    framesSent: number;
    /** Counts each addressed, powered receiver that missed a frame. */
    framesLost: number;
    framesReceived: number;
    framesCollided: number;
    bytes: number;
    bytesPerNodeDay: number;
    /** Share of the run during which the channel carried a frame. */
    channelUse: number;
  };
  disruptions: DisruptionFact[];
  production: { minedKg: number; hauledKg: number; replicateHours: number };
  traps: { node: number; timeMs: number; site: number }[];
  /** Only of a scenario with a Byzantine node. */
  insider?: InsiderFacts;
  /** Only of a cluster with a place among others. */
  abroad?: CustodyCounts;
  world: WorldPlan;
}

const hourMs = 3_600_000;
const msPerDay = 86_400_000;
/** Nodes are switched on within this time of each other. *Assumed*. */
const powerOnSpreadMs = 5000;

/** Everything that a run's events act on. */
interface Flight {
  endMs: number;
  plan: WorldPlan;
  queue: EventQueue;
  tracer: Tracer;
  channel: Channel;
  platform: NodePlatform;
  boards: Boards;
  faults: FaultInjector;
  insider: Insider | null;
  ground: GroundKeyService | null;
  custody: Custody | null;
  given: readonly Given[];
  upsets: readonly Upset[];
  onProgress: RunOptions['onProgress'];
}

/**
 * Flies one cluster: a function of scenario, seed, days, nodes, body and image. Reads no clock.
 * Throws when a scenario with upsets comes without `ownEngine`.
 */
export function runScenario(scenario: Scenario, options: RunOptions): RunFacts {
  return new ScenarioRun(scenario, options).finish();
}

/** A run that is flown piece by piece. */
export class ScenarioRun {
  readonly #flight: Flight;
  readonly #options: RunOptions;

  /** Throws when a scenario with upsets comes without `ownEngine`. */
  constructor(scenario: Scenario, options: RunOptions) {
    this.#flight = layFlight(scenario, options);
    this.#options = options;
    schedule(this.#flight, options);
  }

  /** Length of the run, milliseconds. */
  get endMs(): number {
    return this.#flight.endMs;
  }

  /** Flies on, up to and including a mission time. False when nothing is left to fly. */
  advance(untilMs: number): boolean {
    const { queue, endMs } = this.#flight;
    const lastMs = Math.min(untilMs, endMs);
    while (queue.nextMs <= lastMs && queue.pop()) handle(this.#flight);
    return queue.nextMs <= endMs;
  }

  /** Returns the frames that go to a neighbour in a contact that begins now. */
  framesFor(neighbour: number): Uint8Array[] {
    return this.#flight.custody?.framesFor(neighbour) ?? [];
  }

  /**
   * Takes the frames of a contact with a neighbour that have arrived at a mission time, up to which
   * the run was flown.
   */
  takeFrames(timeMs: number, neighbour: number, frames: readonly Uint8Array[]): void {
    const { custody } = this.#flight;
    if (custody === null || custody.isWaiting) {
      custody?.take(neighbour, frames);
      return;
    }
    if (custody.take(neighbour, frames)) this.#flight.queue.push(timeMs, -1, eventKind.foreign);
  }

  /**
   * Returns what the running members know of other clusters now: the age of each entry in seconds,
   * −1 for a cluster of `clusters` of which a member knows nothing.
   */
  knownAges(timeMs: number, clusters: readonly number[]): number[] {
    const { boards, plan } = this.#flight;
    return plan.nodes.flatMap((_, node) => (boards.isRunning(node) ? boards.knownAges(timeMs, node, clusters) : []));
  }

  /** Flies what is left and ends the run. To be called once. */
  finish(): RunFacts {
    const { endMs, platform, boards, tracer } = this.#flight;
    this.advance(endMs);
    platform.world.reportCredits(endMs);
    boards.upsets.end(endMs);
    tracer.end(endMs);
    return factsOf(this.#flight, this.#options);
  }
}

function layFlight(scenario: Scenario, options: RunOptions): Flight {
  const { seed, days, nodes, body, engine, federation } = options;
  const plan = layWorld(scenario, { seed, nodes, body });
  const queue = new EventQueue(1024, nodes);
  const ground = layGround(scenario, options, queue);
  const tracer = new Tracer([...(options.consumers ?? []), ...(ground === null ? [] : [ground])]);
  const channel = new Channel({ nodes, ...scenario.radio, seed });
  const { telemetryS, planWork } = scenario;
  const platform = new NodePlatform({ plan, queue, tracer, channel, telemetryS, seed });
  const endMs = Math.round(days * msPerDay);
  const drawn = drawFaults(scenario, seed, nodes);
  const faultable = layFaultable(scenario, options, drawn, endMs, (node, access) =>
    tracer.world(queue.timeMs, { kind: 'access-fault', node, access }),
  );
  const insiderNode = drawInsider(scenario, seed, nodes, drawn);
  const insider = insiderNode === null ? null : layInsider(scenario, options, insiderNode, { plan, queue, endMs });
  const custody = federation === undefined ? null : new Custody(federation);
  const boards = new Boards({
    engine,
    plan,
    queue,
    channel,
    tracer,
    seed,
    driftPpm: scenario.clock.driftPpm,
    planWork,
    controllers: faultable?.controllers ?? options.controllers,
    byzantine: insider?.byzantine,
    cluster: federation?.cluster ?? SIMULATED_CLUSTER,
    abroad: custody ?? undefined,
    platform,
  });
  platform.boards = boards;
  if (ground !== null) platform.onContact = (timeMs, node) => ground.contact(timeMs, node, boards);
  const faults = new FaultInjector({ faults: drawn, queue, boards, channel, platform, tracer });
  const { given = [], onProgress } = options;
  const upsets = faultable?.upsets ?? [];
  return {
    endMs,
    plan,
    queue,
    tracer,
    channel,
    platform,
    boards,
    faults,
    insider,
    ground,
    custody,
    given,
    upsets,
    onProgress,
  };
}

/** Puts into the queue all events that are known before the run. */
function schedule({ queue, platform, faults, insider, given, upsets }: Flight, { seed, nodes }: RunOptions): void {
  const power = new RandomStream(seed, 'power-on');
  for (let node = 0; node < nodes; node += 1)
    queue.push(power.below(powerOnSpreadMs), node, eventKind.boot, BOOT_CAUSE.powerOn);
  given.forEach(({ timeMs, node }, index) => {
    queue.push(timeMs, node, eventKind.given, index);
  });
  upsets.forEach(({ atMs, node }, index) => {
    queue.push(atMs, node, eventKind.upset, index);
  });
  platform.begin();
  faults.begin();
  insider?.begin();
  queue.push(hourMs, -1, eventKind.hour);
}

function factsOf(flight: Flight, { nodes, days, engine }: RunOptions): RunFacts {
  const { endMs, plan, tracer, channel, platform, boards, faults, insider, ground, custody } = flight;
  const { minedKg, hauledKg, replicateHours } = platform.world;
  return {
    traceHash: tracer.trace.digest(),
    decisionHash: tracer.decisions.digest(),
    nodes,
    days,
    firmware: engine.image,
    simulatedS: endMs / 1000,
    events: eventsOf(boards.counts) + channel.framesSent + tracer.worldChanges,
    calls: boards.counts,
    radio: {
      framesSent: channel.framesSent,
      framesLost: channel.framesLost,
      framesReceived: channel.framesReceived,
      framesCollided: channel.framesCollided,
      bytes: channel.bytesSent,
      bytesPerNodeDay: channel.bytesSent / nodes / days,
      channelUse: channel.airMs / endMs,
    },
    disruptions: faults.facts.filter((fact) => fact !== null),
    production: { minedKg, hauledKg, replicateHours },
    traps: boards.crashRecovery.trapSites,
    world: plan,
    ...(insider === null ? {} : { insider: insider.facts(boards, nodes, ground?.startS ?? null) }),
    ...(custody === null ? {} : { abroad: custody.counts }),
  };
}

const cipherOf = ({ image }: Engine): CipherName => (image.isCipherNull ? 'null' : 'real');

function layInsider(
  scenario: Scenario,
  { seed, nodes, engine, mutation }: RunOptions,
  node: number,
  parts: Pick<InsiderParts, 'plan' | 'queue' | 'endMs'>,
): Insider {
  // A Byzantine node seals as the others do.
  const codec = byzantineCodec(seed, nodes, cipherOf(engine));
  return new Insider({ ...parts, scenario, node, seed, mutation, codec });
}

function layGround(
  { insider }: Scenario,
  { seed, nodes, engine }: RunOptions,
  queue: EventQueue,
): GroundKeyService | null {
  const hours = insider?.excludedAfterHours;
  return hours === undefined ? null : new GroundKeyService({ seed, nodes, cipher: cipherOf(engine) }, hours, queue);
}

function layFaultable(
  { upsets }: Scenario,
  { seed, nodes, ownEngine }: RunOptions,
  drawn: Fault[],
  untilMs: number,
  onAccessFault: (node: number, access: 'write' | 'read') => void,
): FaultableFleet | null {
  if (upsets === undefined) return null;
  if (ownEngine === undefined)
    throw new Error('a scenario with upsets needs one instance of the image per node: give `ownEngine`');
  return layFaultableFleet(upsets, drawn, { seed, nodes, untilMs }, ownEngine, onAccessFault);
}

function eventsOf(counts: CallCounts): number {
  return counts.boots + counts.receives + counts.observes + counts.ticks + counts.commands + counts.events;
}

/**
 * Gives the node that last spoke for the cluster a summary of another one. While it does not run,
 * summaries wait: a successor speaks at once. Before anybody spoke, the lowest running member gets
 * them.
 */
function giveForeign(timeMs: number, { custody, boards, plan, queue }: Flight): void {
  if (custody === null) return;
  const { speaker } = custody;
  const lowest = plan.nodes.findIndex((_, each) => boards.isRunning(each));
  const node = speaker < 0 ? lowest : boards.isRunning(speaker) ? speaker : -1;
  const record = node < 0 ? null : custody.next();
  if (record !== null) boards.observeRecord(timeMs, node, record);
  if (custody.isWaiting) queue.push(timeMs + foreignEveryMs, -1, eventKind.foreign);
}

/** Handles the event that the queue popped. The most frequent kinds come first. */
function handle(flight: Flight): void {
  const { queue, boards, platform, faults } = flight;
  const { timeMs, node, first, second } = queue;
  switch (queue.kind) {
    case eventKind.reserved:
      return boards.reserved(timeMs, node, first);
    case eventKind.wake:
      return boards.wake(timeMs, node);
    case eventKind.frame:
      return boards.arrive(timeMs, node, first, second);
    case eventKind.health:
      return platform.health(timeMs, node);
    case eventKind.progress:
      return boards.observe(timeMs, node, [TYPE.progress, first >> 3, first & 7, second]);
    case eventKind.world:
      return platform.worldDue(timeMs);
    case eventKind.watchdog:
      return boards.watchdogDue(timeMs, node);
    case eventKind.boot:
      return boards.boot(timeMs, node, first, second !== 0);
    case eventKind.recovery:
      return boards.observe(timeMs, node, [TYPE.recovery, first >> 8, first & 0xff, second]);
    case eventKind.stable:
      return boards.stable(node, first);
    case eventKind.assay:
      return platform.assay(timeMs, node, first);
    case eventKind.contact:
      return platform.contact(timeMs, node, first, second);
    case eventKind.maintenance:
      return platform.maintenance(timeMs, node);
    case eventKind.hour:
      platform.world.reportCredits(timeMs);
      flight.onProgress?.(timeMs / 1000, flight.endMs / 1000);
      queue.push(timeMs + hourMs, -1, eventKind.hour);
      return;
    case eventKind.fault:
      return faults.onset(timeMs, first);
    case eventKind.heal:
      return faults.heal(timeMs, first);
    case eventKind.outlook:
      return faults.outlook(timeMs, first);
    case eventKind.given:
      return boards.observe(timeMs, node, flight.given[first].fields);
    case eventKind.upset:
      return boards.upsets.inject(timeMs, flight.upsets[first], first);
    case eventKind.answered:
      return boards.answered(timeMs, node, first);
    case eventKind.byzantineCycle:
      return flight.insider?.cycle(timeMs, boards);
    case eventKind.byzantineFrame:
      return flight.insider?.sendLater(timeMs, first, boards);
    case eventKind.issue:
      return flight.ground?.issue(timeMs);
    case eventKind.parts:
      return flight.ground?.parts(timeMs, node, boards);
    case eventKind.foreign:
      return giveForeign(timeMs, flight);
    case eventKind.stormReset:
      return faults.stormReset(timeMs, node, first);
  }
}

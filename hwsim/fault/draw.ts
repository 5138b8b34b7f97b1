import { RandomStream } from '../kernel/random.ts';
import type { DisruptionFact } from '../kernel/trace.ts';
import type { Disruption, Scenario } from '../scenario/schema.ts';
import type { StormFlux } from './flux.ts';
import { type SolarEvent, solarEvent } from '../scenario/solar_events.ts';

/** One disruption with all its values drawn. Times are ms of mission time. */
export interface Fault {
  /** `kind-n`, n counting from 1 within its kind. */
  id: string;
  kind: Disruption['kind'];
  class: DisruptionFact['class'];
  atMs: number;
  /**
   * When the cause ends, if that is known beforehand; null: permanent, or known only when it ends.
   */
  healMs: number | null;
  nodes: number[];
  group: number;
  unit: number;
  /** reset, storm: how long a node is down. */
  downMs: number;
  /** hung-task: which of the eight tasks, and whether only safe mode ends the hang. */
  task: number;
  persistent: boolean;
  /** hung-task: bit (level − 1) set: a recovery of that level fails. */
  failingLevels: number;
  /** reset: checkpoint slots that do not verify after the reset, the newest first. */
  badSlots: number;
  losesPower: boolean;
  /**
   * occultation: how long before its onset it is reported; storm: rise of the flux before its
   * onset.
   */
  warningMs: number;
  /** storm: the resets within it, and the course of its flux. */
  resets: { atMs: number; node: number }[];
  flux: StormFlux | null;
  detail: string;
}

const msPerDay = 86_400_000;
const msPerHour = 3_600_000;
/** Time for which a processor is down after a particle has reset it. *Assumed*. */
const stormDownMs = 60_000;

/**
 * Draws all disruptions of a run, in order of time: a function of scenario, seed and number of
 * nodes.
 */
export function drawFaults(scenario: Scenario, seed: number, nodes: number): Fault[] {
  const lots = new RandomStream(seed, 'fault/lots').permutation(scenario.world.lots).map((index) => index + 1);
  const tugs = new RandomStream(seed, 'fault/tugs').permutation(scenario.world.tugs).map((index) => index + 1);
  // Affected nodes are taken in turn from one permutation: no node is affected twice while others
  // are left.
  const named = new Set(scenario.disruptions.map((disruption) => namedNode(disruption)));
  const all = new RandomStream(seed, 'fault/victims').permutation(nodes);
  const others = all.filter((node) => !named.has(node));
  const candidates = others.length > 0 ? others : all;
  const counts = new Map<string, number>();
  const faults: Fault[] = [];
  let nextCandidate = 0;
  scenario.disruptions.forEach((disruption, index) => {
    const random = new RandomStream(seed, 'fault', index);
    const count = 'count' in disruption ? disruption.count : 1;
    for (let i = 0; i < count; i += 1) {
      const number = (counts.get(disruption.kind) ?? 0) + 1;
      counts.set(disruption.kind, number);
      const affected = namedNode(disruption) ?? candidates[nextCandidate % candidates.length];
      const fault = makeFault(disruption, number, drawTimeMs(disruption, random));
      if (disruption.kind === 'lot-depleted') fault.group = lots[(number - 1) % lots.length];
      else if (disruption.kind === 'tug-lost') {
        if (number > tugs.length) continue;
        fault.group = scenario.world.lots + 1;
        fault.unit = tugs[number - 1];
      } else if (disruption.kind !== 'occultation' && disruption.kind !== 'storm') {
        fault.nodes = [affected];
        if (namedNode(disruption) === undefined) nextCandidate += 1;
      }
      fillFault(fault, disruption, random, nodes);
      faults.push(fault);
    }
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** Returns the node that a disruption names, if any. */
function namedNode(disruption: Disruption): number | undefined {
  return 'node' in disruption ? disruption.node : undefined;
}

function drawTimeMs(disruption: Disruption, random: RandomStream): number {
  const { when } = disruption;
  const day = 'atDay' in when ? when.atDay : random.between(when.fromDay, when.toDay);
  return Math.round(day * msPerDay);
}

function makeFault(disruption: Disruption, number: number, atMs: number): Fault {
  return {
    id: `${disruption.kind}-${number}`,
    kind: disruption.kind,
    class: 'node',
    atMs,
    healMs: null,
    nodes: [],
    group: 0,
    unit: 0,
    downMs: 0,
    task: 0,
    persistent: false,
    failingLevels: 0,
    badSlots: 0,
    losesPower: false,
    warningMs: 0,
    resets: [],
    flux: null,
    detail: '',
  };
}

/** Draws what the kind of disruption needs. The text of `detail` is part of the trace hash. */
function fillFault(fault: Fault, disruption: Disruption, random: RandomStream, nodes: number): void {
  switch (disruption.kind) {
    case 'node-death':
      fault.detail = `node ${fault.nodes[0]} dies`;
      break;
    case 'reset':
      fault.downMs = disruption.downS * 1000;
      fault.badSlots = disruption.badSlots;
      fault.losesPower = disruption.losesPower;
      fault.detail = `node ${fault.nodes[0]} ${fault.losesPower ? 'loses power' : 'resets'}`;
      fault.detail += `, down ${disruption.downS} s`;
      if (fault.badSlots > 0) fault.detail += `, ${fault.badSlots} checkpoint slots spoilt`;
      break;
    case 'hung-task':
      fault.task = random.below(8);
      fault.persistent = disruption.persistent;
      for (const level of disruption.failing) fault.failingLevels |= 1 << (level - 1);
      fault.detail = `task ${fault.task} of node ${fault.nodes[0]} hangs${disruption.persistent ? ' for good' : ''}`;
      if (disruption.failing.length > 0) fault.detail += `, recoveries ${disruption.failing.join(', ')} fail`;
      break;
    case 'hung-runtime':
      fault.detail = `runtime of node ${fault.nodes[0]} hangs`;
      break;
    case 'occultation': {
      const size = Math.max(1, Math.round(disruption.share * nodes));
      const first = random.below(nodes);
      fault.class = 'cluster';
      fault.nodes = Array.from({ length: size }, (_, index) => (first + index) % nodes).sort((a, b) => a - b);
      fault.healMs = fault.atMs + Math.round(disruption.hours * msPerHour);
      fault.warningMs = disruption.predictedHours * msPerHour;
      fault.detail = `${size} nodes from ${first} on behind the body for ${disruption.hours} h`;
      break;
    }
    case 'lot-depleted':
      fault.class = 'cluster';
      fault.detail = `lot ${fault.group} runs dry`;
      break;
    case 'tug-lost':
      fault.class = 'cluster';
      fault.detail = `tug ${fault.unit} is lost`;
      break;
    case 'storm':
      fillStorm(fault, solarEvent(disruption.event), disruption, random, nodes);
      break;
  }
}

/**
 * Draws a storm. The scenario's time is the event's start, when the flux starts to rise; the peak
 * follows after riseHours. Radios are silent for silenceHours centred on the peak. The resets fall
 * into the same hours and end with them. The onset of the disruption is the start of the silence.
 */
function fillStorm(
  fault: Fault,
  event: SolarEvent,
  storm: Extract<Disruption, { kind: 'storm' }>,
  random: RandomStream,
  nodes: number,
): void {
  const beginMs = fault.atMs;
  const peakMs = beginMs + storm.riseHours * msPerHour;
  const halfMs = Math.round((storm.silenceHours * msPerHour) / 2);
  const fromMs = Math.max(beginMs, peakMs - halfMs);
  const resetNodes = random.permutation(nodes).slice(0, Math.round(storm.resetShare * nodes));
  fault.class = 'fleet';
  fault.nodes = Array.from({ length: nodes }, (_, index) => index);
  fault.atMs = Math.round(fromMs);
  fault.healMs = Math.round(peakMs + halfMs);
  fault.warningMs = fault.atMs - beginMs;
  fault.downMs = stormDownMs;
  fault.flux = {
    beginMs,
    riseMs: storm.riseHours * msPerHour,
    decayMs: storm.decayHours * msPerHour,
    upsetPeak: storm.upsetPeak,
  };
  fault.resets = resetNodes
    .map((node) => ({
      atMs: Math.round(random.between(fromMs, Math.max(fromMs, peakMs + halfMs - stormDownMs))),
      node,
    }))
    .sort((a, b) => a.atMs - b.atMs || a.node - b.node);
  fault.detail =
    `solar event of ${event.begin}, ${event.peakPfu} pfu, ${event.flare}: ` +
    `silence ${storm.silenceHours} h, ${resetNodes.length} resets`;
}

/** Builds the fact for the judges, with what is known of the disruption's end. */
export function disruptionFact(fault: Fault, healedMs: number | null): DisruptionFact {
  return {
    id: fault.id,
    kind: fault.kind,
    class: fault.class,
    onsetS: Math.floor(fault.atMs / 1000),
    healedS: healedMs === null ? null : Math.ceil(healedMs / 1000),
    nodes: fault.nodes,
    groups: fault.group > 0 ? [fault.group] : [],
    detail: fault.detail,
  };
}

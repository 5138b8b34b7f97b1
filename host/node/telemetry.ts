import { ANSWER, CYCLE_S, INSPECT, LIVENESS, MUTE_CAUSE, NAMES, OWN_SLOTS } from '../cbor/generated.ts';
import type { RadioCounters } from '../radio/radio.ts';
import { cycleAt } from '../security/cycle.ts';
import type { Inspect } from './link.ts';
import type { MeasuredConvergence } from './phases.ts';

/** What a running node shows of itself; it changes nothing. */
export interface TelemetrySource {
  readonly id: number;
  readonly cluster: number;
  readonly members: number;
  /** Boots of this node, and restarts since a stable hour. */
  readonly incarnation: number;
  readonly restarts: number;
  /** MUTE_CAUSE of the node, and the mission second at which it ends; 0: not known. */
  readonly mute: { readonly cause: number; readonly untilS: number };
  /** The last disruption that converged since the process started; null: none. */
  readonly lastConverged: MeasuredConvergence | null;
  readonly heldBack: { readonly orders: number; readonly frames: number };
  readonly radio: RadioCounters;
  readonly inspect: Inspect;
}

type AnswerName = keyof typeof ANSWER;
type Answer<Name extends AnswerName> = { readonly [Field in keyof (typeof ANSWER)[Name]]: number };

/** Names the words of an answer; undefined: there is none. */
function answer<Name extends AnswerName>(inspect: Inspect, name: Name, index = 0): Answer<Name> | undefined {
  const words = inspect(INSPECT[name], index);
  if (words.length === 0) return undefined;
  const fields = Object.entries<number>(ANSWER[name]).map(([field, at]) => [field, words[at]]);
  return Object.fromEntries(fields) as Answer<Name>;
}

/** `inspect` of the keys that the image has; index 0 is the head that waits. */
const keysIndex = 1;

/** Answers `node status`. */
export function statusOf(source: TelemetrySource): object {
  const { id, cluster, members, incarnation, restarts, heldBack, radio, inspect } = source;
  const node = answer(inspect, 'node');
  const view = answer(inspect, 'view');
  const keys = answer(inspect, 'keys', keysIndex);
  const measured = answer(inspect, 'convergence');
  const isAlive = (member: number) => member === id || answer(inspect, 'member', member)?.state === LIVENESS.alive;
  const alive = Array.from({ length: members }, (_, member) => member).filter(isAlive).length;
  return {
    ...{ id, cluster, members, alive, pid: process.pid, incarnation, restarts },
    timeKnown: node?.timeKnown === 1,
    missionS: node === undefined ? 0 : node.missionS + node.missionMs / 1000,
    clockErrorMs: node?.errorMs ?? 0,
    safeMode: node?.safeMode === 1,
    mute: muteOf(source, node, keys),
    quorum: view?.quorum === 1,
    round: view?.round ?? 0,
    leaseUntilS: view?.leaseUntilS ?? 0,
    intents: view?.intents ?? 0,
    convergence: {
      ...{ open: measured?.open ?? 0, apartS: measured?.apartS ?? 0, last: source.lastConverged },
      node: { lastS: measured?.lastNodeS ?? 0, averageS: measured?.trendNodeS ?? 0 },
      cluster: { lastS: measured?.lastClusterS ?? 0, averageS: measured?.trendClusterS ?? 0 },
    },
    keyEpoch: keys?.keyEpoch ?? 0,
    newestKeyEpoch: keys?.newestKeyEpoch ?? 0,
    reservedCycle: keys?.reserved ?? 0,
    sentCycle: keys?.sentCounter ?? 0,
    work: workOf(inspect),
    heldBack,
    radio,
  };
}

/**
 * Says why the node sends nothing, null if it sends: what it reported, or, before its first period
 * after a boot, that it waits behind counters which may have been used.
 */
function muteOf({ id, mute }: TelemetrySource, node?: Answer<'node'>, keys?: Answer<'keys'>): object | null {
  if (mute.cause !== 0) return { cause: NAMES.muteCause[mute.cause], untilS: mute.untilS || null };
  if (node?.timeKnown !== 1 || keys === undefined || keys.sentCounter <= cycleAt(node.missionS, id)) return null;
  return { cause: NAMES.muteCause[MUTE_CAUSE.countersUsed], untilS: (keys.sentCounter + 1) * CYCLE_S };
}

function workOf(inspect: Inspect): object[] {
  return slots().flatMap((slot) => {
    const own = answer(inspect, 'own', slot);
    if (own === undefined || own.settledVersion === 0) return [];
    const { startS, endS, rate, running } = own;
    return [{ slot, startS, endS, rate, running: running === 1 }];
  });
}

/** Answers `node members`. */
export function membersOf({ members, inspect }: TelemetrySource): object {
  const rows = Array.from({ length: members }, (_, member) => {
    const words = answer(inspect, 'member', member);
    if (words === undefined) return { member, state: NAMES.liveness[LIVENESS.unknown] };
    return { member, ...words, state: NAMES.liveness[words.state] };
  });
  return { members: rows };
}

/** Answers `node intents`: all that the node stores, by owner and intent slot. */
export function intentsOf({ members, inspect }: TelemetrySource): object {
  const rows: object[] = [];
  for (let owner = 0; owner < members; owner += 1)
    for (const slot of slots()) {
      const words = answer(inspect, 'intent', owner * OWN_SLOTS + slot);
      if (words === undefined) continue;
      const { state, verdict, kind } = words;
      const names = { state: NAMES.intentState[state], verdict: NAMES.verdict[verdict], kind: NAMES.workKind[kind] };
      rows.push({ owner, slot, ...words, ...names });
    }
  return { intents: rows };
}

function slots(): number[] {
  return Array.from({ length: OWN_SLOTS }, (_, slot) => slot);
}

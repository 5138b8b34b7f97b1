/** False second-hand reports that a Byzantine member makes: of votes, resources and time. */
import { AHEAD_S_MAX, LIVENESS_TICK_FIRST, LIVENESS_TICK_S, type Message } from '../../host/cbor/generated.ts';
import { shapeNamed } from '../../host/cbor/message.ts';
import type { GroupPlan } from '../world/plan.ts';

/** How far ahead the Byzantine node's heartbeats and forged versions are dated, seconds. */
export const AHEAD_OF_TIME_S = AHEAD_S_MAX - 5;
/** Entries of the longest list of silent members. */
const entriesMax = Math.max(
  ...shapeNamed('silent-list').fields.flatMap(({ of }) => (of.kind === 'array' ? [of.max] : [])),
);
/** Notices that the Byzantine node puts into one frame. */
const noticesPerFrame = 6;

/** Says of as many members as a list can name, from `first` on, that their votes were revoked. */
export function falseRevocations(nodes: number, first: number, nowS: number): Message[] {
  const lastLivenessTick = Math.floor(nowS / LIVENESS_TICK_S) + LIVENESS_TICK_FIRST - 1;
  const count = Math.min(entriesMax, nodes);
  const entries = Array.from({ length: count }, (_, i) => ({
    member: (first + i) % nodes,
    lastLivenessTick,
    revocations: 1,
  }));
  return [{ name: 'silent-list', entries }];
}

/** Says of units that do not exist, in the names of many members, that they are lost. */
export function lossesOfNothing(groups: readonly GroupPlan[], nodes: number, turn: number, nowS: number): Message[] {
  return Array.from({ length: noticesPerFrame }, (_, i) => {
    const nth = turn * noticesPerFrame + i;
    const { group, units } = groups[nth % groups.length];
    return { name: 'notice', group, unit: units + 1 + nth, capacity: 0, observedS: nowS, observer: nth % nodes };
  });
}

/** Says of all groups, in one member's name, that they can take nothing. */
export function lossesOfAll(groups: readonly GroupPlan[], observer: number, nowS: number): Message[] {
  return groups.map(({ group }) => ({ name: 'notice', group, unit: 0, capacity: 0, observedS: nowS, observer }));
}

/** Names of the numbers in platform records: the enumerations of proto/schema and of the firmware's constants. */

/** Number → name; an empty text where a number has no meaning. */
type Names = readonly string[];

const bootCauses: Names = ['', 'power-on', 'watchdog', 'commanded-reset', 'runtime-restart', 'alternate-image'];
const memberStates: Names = ['unknown', 'alive', 'suspect', 'unreachable', 'dead', 'left'];
const intentStates: Names = ['none', 'planned', 'claimed', 'started', 'done', 'withdrawn'];
const workKinds: Names = ['', 'mine', 'haul', 'move', 'maintain'];
const disruptionClasses: Names = ['', 'node', 'cluster', 'cross-cluster', 'fleet'];
const recoveryLevels: Names = [
  '',
  'task-restart',
  'runtime-restart',
  'processor-reset',
  'alternate-image',
  'safe-mode',
];
const recoveryCauses: Names = [
  'none',
  'hung-task',
  'silent-module',
  'corrupt-state',
  'lost-checkpoint',
  'failed-recovery',
  'watchdog-resets',
];
const upsetOutcomes: Names = ['', 'corrected', 'evicted'];
const keyEpochSteps: Names = ['', 'known', 'in-use', 'exclusive'];
const workStatuses: Names = ['', 'running', 'done', 'blocked', 'failed'];
const outlookKinds: Names = ['', 'occultation', 'storm', 'transfer'];
const groupKinds: Names = ['', 'lot', 'depot'];

/** Loss counters: COUNTER_* of firmware/memory/limits.ts. */
export const lossCounters: Names = [
  'frame-length',
  'frame-crc',
  'frame-malformed',
  'frame-version',
  'frame-implausible',
  'message-unknown',
  'outbox-full',
  'events-full',
  'commands-full',
  'intents-full',
  'notices-full',
  'record-rejected',
  'clock-disagrees',
  'intent-stale',
  'claim-unread',
  'disruptions-full',
  'exchanges-full',
  'frame-algorithm',
  'frame-key-epoch',
  'frame-replay',
  'frame-stale',
  'frame-ahead',
  'frame-tag',
  'frame-sender',
  'frame-self',
  'frame-channel',
  'key-epoch-forged',
  'part-forged',
  'key-epoch-checks',
  'frame-form',
  'quota-late',
  'quota-owner',
  'quota-claim',
  'impersonated',
  'intent-differs',
  'intent-forged',
  'statement-false',
  'statements-full',
  'owner-barred',
  'intent-unsigned',
];

const recoveryCause = { cause: recoveryCauses };

/** Fields of records whose numbers have names, by record and field. */
const namedFields: Readonly<Record<string, Readonly<Record<string, Names>>>> = {
  group: { kind: groupKinds },
  progress: { status: workStatuses },
  outlook: { kind: outlookKinds },
  assign: { kind: workKinds },
  recovery: { level: recoveryLevels },
  'start-work': { kind: workKinds },
  'restart-runtime': recoveryCause,
  'reset-processor': recoveryCause,
  'alternate-image': recoveryCause,
  'safe-mode': recoveryCause,
  booted: { cause: bootCauses },
  'member-state': { state: memberStates },
  held: { state: intentStates },
  published: { kind: workKinds, state: intentStates },
  onset: { class: disruptionClasses },
  converged: { class: disruptionClasses },
  alarmed: { class: disruptionClasses },
  dropped: { counter: lossCounters },
  escalation: { level: recoveryLevels, cause: recoveryCauses },
  upset: { outcome: upsetOutcomes },
  'key-epoch-changed': { step: keyEpochSteps },
};

/** The name of a record's field value: 'alive' for state 1 of member-state; undefined when its numbers have no names. */
export function valueName(record: string, field: string, value: number): string | undefined {
  const names = namedFields[record]?.[field];
  return names === undefined ? undefined : names[value] || `${field} ${value}`;
}

/** The name of a loss counter. */
export function lossCounterName(counter: number): string {
  return lossCounters[counter] ?? `counter-${counter}`;
}

/** The fields of a record with names beside numbers that have one: { state: 1 } gives { state: 1, stateName: 'alive' }. */
export function withNames(record: string, fields: Readonly<Record<string, number>>): Record<string, number | string> {
  const named: Record<string, number | string> = {};
  for (const [field, value] of Object.entries(fields)) {
    named[field] = value;
    const name = valueName(record, field, value);
    if (name !== undefined) named[`${field}Name`] = name;
  }
  return named;
}

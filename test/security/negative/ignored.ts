// What is taken as a frame, and of which nothing is believed: each loss is counted, and the node
// stands as after a frame that says nothing.

import { LIVENESS_TICK_S, type Message, ROUND_S } from '../../../host/cbor/generated.ts';
import { encodeMessage, joinBytes } from '../../../host/cbor/message.ts';
import { firmwareConstants } from '../../../hwsim/emulator/memory_map.ts';
import { keyEpochMessages, intentAt, heartbeatAt } from '../fuzz/steps.ts';
import { type AttackBench, nowS } from './bench.ts';

export interface Ignored {
  readonly name: string;
  readonly text: (bench: AttackBench) => Uint8Array;
  /** Loss counters, and by how much. */
  readonly counts: Readonly<Record<string, number>>;
  readonly epoch?: number;
  /** It is noted that the sender gave a time, whatever the time is. */
  readonly isTimeSample?: boolean;
}

const limits = firmwareConstants('flight');
const clockStepS = limits.get('CLOCK_STEP_S_MAX')!;
/** The cut of the present round. */
const cutS = Math.floor(nowS / ROUND_S) * ROUND_S - limits.get('CUT_LAG_S')!;

const said = (...messages: Message[]) => joinBytes(messages.map(encodeMessage));
const heartbeat = (name: string, by: number): Ignored => ({
  name: `a heartbeat of a time ${name}`,
  text: (bench) => said(heartbeatAt((nowS + by) >>> 0, bench.members)),
  counts: { clock_disagrees: 2 },
  isTimeSample: true,
});
const unknown = (type: number): Ignored => ({
  name: `a message of type ${type}, which a later release may know`,
  text: () => Uint8Array.of(0x82, ...(type < 24 ? [type] : [0x18, type]), 0xa1, 0x00, 0x9),
  counts: { message_unknown: 1 },
});
const stale = (name: string, more: Parameters<typeof intentAt>[3]): Ignored => ({
  name: `an intent ${name}`,
  text: () => said(intentAt(nowS, 2, 1, more)),
  counts: { intent_stale: 1 },
});

/** A frame with a time that no node believes. */
export const unbelievedTime = heartbeat('a day ahead', 86400);

export const ignoredCases: readonly Ignored[] = [
  {
    name: 'an alarm',
    text: () => said({ name: 'alarm', class: 1, onsetS: 0xffffffff, elapsedS: 0xffffffff }),
    counts: {},
  },
  { name: 'a beacon', text: () => said({ name: 'beacon', cause: 255, resets: 65535, timeS: 0xffffffff }), counts: {} },
  ...[9, 14, 15, 25, 31, 63, 99, 127].map(unknown),
  {
    name: 'forty unknown messages',
    text: () => Buffer.concat(Array.from({ length: 40 }, () => Uint8Array.of(0x82, 0x18, 112, 0))),
    counts: { message_unknown: 40 },
  },
  {
    name: 'an unknown message nested to the depth limit',
    text: () => Uint8Array.of(0x82, 0x18, 112, 0x81, 0x81, 0x81, 0),
    counts: { message_unknown: 1 },
  },
  heartbeat('a second too far behind', -clockStepS - 1),
  heartbeat('a second too far ahead', clockStepS + 1),
  heartbeat('two liveness ticks behind', -2 * LIVENESS_TICK_S),
  heartbeat('two liveness ticks ahead', 2 * LIVENESS_TICK_S),
  heartbeat('an agreement round ahead', ROUND_S),
  heartbeat('a year ahead', 365 * 86400),
  heartbeat('at the beginning', -nowS),
  heartbeat('at the end of time', -nowS - 1),
  heartbeat('half of all time ahead', 0x80000000),
  stale('that was over long ago', { startS: 100, endS: 200, claimS: 10, publishedS: 10 }),
  stale('that was over long enough at the cut of the agreement round', {
    startS: 1000,
    endS: cutS - limits.get('RETENTION_S')!,
    claimS: 1000,
    publishedS: 1000,
  }),
  { name: 'an ack of a probe that was not sent', text: () => said({ name: 'ack', sequence: 9999 }), counts: {} },
  {
    name: 'a head of key epoch 0',
    epoch: 0,
    text: () => said({ ...keyEpochMessages(3, nowS + 60, 8)[0], keyEpoch: 0 } as Message),
    counts: {},
  },
  {
    name: 'a head of key epoch 65535',
    epoch: 0,
    text: () => said({ ...keyEpochMessages(3, nowS + 60, 8)[0], keyEpoch: 65535 } as Message),
    counts: {},
  },
  {
    name: 'a head of the key epoch in use',
    epoch: 0,
    text: () => said({ ...keyEpochMessages(3, nowS + 60, 8)[0], keyEpoch: 2 } as Message),
    counts: {},
  },
  {
    name: 'a head of the key epoch before',
    epoch: 0,
    text: () => said({ ...keyEpochMessages(3, nowS + 60, 8)[0], keyEpoch: 1 } as Message),
    counts: {},
  },
  {
    name: 'a part without its head',
    epoch: 0,
    text: () => said(keyEpochMessages(3, nowS + 60, 8)[1]),
    counts: { key_epoch_checks: 1 },
  },
];

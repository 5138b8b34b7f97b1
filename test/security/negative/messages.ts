// Frames that open, and whose messages are refused: by their bytes (made from the schema, field by
// field), by what they say, or by the key they came under.

import { AHEAD_S_MAX, type Message } from '../../../host/cbor/generated.ts';
import { SHAPES } from '../../../host/cbor/generated/shapes.ts';
import { encodeMessage, joinBytes } from '../../../host/cbor/message.ts';
import { keyEpochMessages, intentAt, messagesAt, heartbeatAt, recordsAt } from '../fuzz/steps.ts';
import { type Negative, plain } from './cases.ts';
import { array, spoiledMessages, uint } from './spoiled_messages.ts';
import { type AttackBench, nowS, reserved } from './bench.ts';

const airMembers = 8;
const byAir = (members: number) => messagesAt(nowS, members);

/**
 * A frame with a spoilt message alone, and behind a right one: nothing of a frame is believed if
 * not all is right.
 */
const malformed: Negative[] = byAir(airMembers).flatMap((message) =>
  spoiledMessages(message).map(({ what, bytes }) =>
    plain(`${message.name} ${what}`, 'malformed', 'frame_malformed', () => bytes, {
      make: (bench) => [
        bench.sealed({}, bytes),
        bench.sealed({}, joinBytes([encodeMessage({ name: 'since', fromS: 1 }), bytes])),
      ],
    }),
  ),
);

const cut: Negative[] = byAir(airMembers).map((message) =>
  plain(`${message.name} cut off after every byte`, 'malformed', 'frame_malformed', () => new Uint8Array(2), {
    make: (bench) => {
      const whole = encodeMessage(byAir(bench.members).find(({ name }) => name === message.name) as Message);
      return Array.from({ length: whole.length - 2 }, (_, i) => bench.sealed({}, whole.subarray(0, i + 2)));
    },
  }),
);

const nested = (depth: number, inner: Uint8Array) =>
  Buffer.concat([...Array.from({ length: depth }, () => Uint8Array.of(0x81)), inner]);
const unknown = (...items: Uint8Array[]) => array(uint(112), ...items);
const odd = (name: string, text: Uint8Array) => plain(name, 'malformed', 'frame_malformed', () => text);
const oddities: Negative[] = [
  odd('an empty array', Uint8Array.of(0x80, 0x80)),
  odd('an empty map', Uint8Array.of(0xa0, 0xa0)),
  odd('an integer in place of a message', Uint8Array.of(1, 1)),
  odd('a map in place of a message', Uint8Array.of(0xa1, 1, 1)),
  odd('a byte string in place of a message', Uint8Array.of(0x42, 1, 1)),
  odd('a tag before a message', Uint8Array.of(0xc1, 0x82, 1, 4)),
  odd('a null before a message', Uint8Array.of(0xf6, 0x82, 1, 4)),
  odd('a break alone', Uint8Array.of(0xff, 0xff)),
  odd('zeros', new Uint8Array(200)),
  odd('ones', new Uint8Array(200).fill(255)),
  odd('a message whose type is text', Uint8Array.of(0x82, 0x61, 0x61, 4)),
  odd('a message whose type is negative', Uint8Array.of(0x82, 0x20, 4)),
  odd('a message whose type is a float', Uint8Array.of(0x82, 0xf9, 0x3c, 0, 4)),
  odd('a message whose type takes nine bytes', Uint8Array.of(0x82, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0, 4)),
  odd('a message whose type is 2³¹', Uint8Array.of(0x82, 0x1a, 0x80, 0, 0, 0, 4)),
  ...[128, 137, 138, 160, 200, 255, 256, 65536].map((type) =>
    odd(`a record of the platform, type ${type}, by radio`, array(uint(type), uint(0))),
  ),
  odd('an unknown message nested five deep', unknown(nested(4, uint(1)))),
  odd('an unknown message nested 100 deep', unknown(nested(100, uint(1)))),
  odd('an unknown message of tags 100 deep', unknown(Buffer.concat([new Uint8Array(100).fill(0xc1), uint(1)]))),
  odd(
    'an unknown message of maps 50 deep',
    unknown(Buffer.concat([...Array.from({ length: 50 }, () => Uint8Array.of(0xa1, 0)), uint(1)])),
  ),
  odd(
    'an unknown message of indefinite length',
    Buffer.concat([Uint8Array.of(0x9f), uint(112), uint(1), Uint8Array.of(0xff)]),
  ),
  odd('an unknown message with a byte string of indefinite length', unknown(Uint8Array.of(0x5f, 0x41, 1, 0xff))),
  odd('an unknown message that declares 255 items and has one', Uint8Array.of(0x98, 0xff, 0x18, 112, 1)),
  odd('an unknown message that declares 2³² − 1 items', Uint8Array.of(0x9a, 0xff, 0xff, 0xff, 0xff, 0x18, 112, 1)),
  odd(
    'an unknown message that declares 2⁶⁴ − 1 items',
    Uint8Array.of(0x9b, 255, 255, 255, 255, 255, 255, 255, 255, 0x18, 112),
  ),
  odd('an unknown message with a byte string of 4 GiB less 1', unknown(Uint8Array.of(0x5a, 0xff, 0xff, 0xff, 0xff))),
  odd('an unknown message with a map of 2³² − 1 pairs', unknown(Uint8Array.of(0xba, 0xff, 0xff, 0xff, 0xff))),
  odd('an unknown message with a reserved head', unknown(Uint8Array.of(0x1c))),
  odd('an unknown message with an integer not in its shortest form', unknown(Uint8Array.of(0x18, 3))),
  odd('an unknown message with a simple value below 32 in two bytes', unknown(Uint8Array.of(0xf8, 3))),
  odd(
    'a correct message with a byte behind it',
    Buffer.concat([encodeMessage({ name: 'probe', sequence: 4 }), Uint8Array.of(0)]),
  ),
];

/** Well-formed and impossible. */
function impossible(name: string, message: (members: number) => Message, counter = 'frame_implausible'): Negative {
  return plain(name, 'implausible', counter, (bench) => encodeMessage(message(bench.members)));
}
const day = 86400;
const silent = (member: number) => ({ member, lastLivenessTick: 9, revocations: 1 });
const intent = (
  name: string,
  more: Parameters<typeof intentAt>[3] | ((members: number) => Parameters<typeof intentAt>[3]),
) =>
  impossible(`an intent ${name}`, (members) => intentAt(nowS, 2, 1, typeof more === 'function' ? more(members) : more));
const horizonS = 62 * day;
const leaseMaxS = 31 * day;
const implausible: Negative[] = [
  impossible('a heartbeat with a byte of ages too many', (members) => ({
    ...(heartbeatAt(nowS, members) as Extract<Message, { name: 'heartbeat' }>),
    ages: new Uint8Array(3 * Math.ceil(members / 8) - 1),
  })),
  impossible('a heartbeat without ages', (members) => ({
    ...(heartbeatAt(nowS, members) as Extract<Message, { name: 'heartbeat' }>),
    ages: new Uint8Array(0),
  })),
  impossible('a heartbeat without its bitmap', (members) => ({
    ...(heartbeatAt(nowS, members) as Extract<Message, { name: 'heartbeat' }>),
    agree: new Uint8Array(0),
  })),
  impossible('a heartbeat with a bitmap one byte too short', (members) => ({
    ...(heartbeatAt(nowS, members) as Extract<Message, { name: 'heartbeat' }>),
    agree: new Uint8Array(Math.ceil(members / 8) - 1),
  })),
  impossible('a heartbeat of a cluster of another size', () => heartbeatAt(nowS, 48)),
  impossible('a probe request for the first beyond the members', (members) => ({
    name: 'probe-request',
    sequence: 1,
    target: members,
  })),
  impossible('a probe request for 65535', () => ({ name: 'probe-request', sequence: 1, target: 65535 })),
  impossible('a relayed ack of the first beyond the members', (members) => ({
    name: 'relayed-ack',
    sequence: 1,
    target: members,
  })),
  impossible('a relayed ack of 65535', () => ({ name: 'relayed-ack', sequence: 1, target: 65535 })),
  impossible('a suspicion of the first beyond the members', (members) => ({
    name: 'suspicion',
    member: members,
    incarnation: 1,
  })),
  impossible('a suspicion of 65535', () => ({ name: 'suspicion', member: 65535, incarnation: 1 })),
  impossible('an alive message on another member', () => ({ name: 'alive', member: 3, incarnation: 4, upS: 0 })),
  impossible('an alive message on this node', () => ({ name: 'alive', member: 0, incarnation: 4, upS: 0 })),
  impossible('an alive message on the first beyond the members', (members) => ({
    name: 'alive',
    member: members,
    incarnation: 4,
    upS: 0,
  })),
  impossible('an isolation that ends when it begins', () => ({ name: 'isolation', fromS: 6000, untilS: 6000 })),
  impossible('an isolation that ends before it begins', () => ({ name: 'isolation', fromS: 6000, untilS: 5999 })),
  impossible('an isolation from the end of time to its beginning', () => ({
    name: 'isolation',
    fromS: 0xffffffff,
    untilS: 0,
  })),
  impossible('a silent list with the first beyond the members, first', (members) => ({
    name: 'silent-list',
    entries: [silent(members), silent(1)],
  })),
  impossible('a silent list with the first beyond the members, last of 16', (members) => ({
    name: 'silent-list',
    entries: [...Array.from({ length: 15 }, (_, i) => silent(i % 8)), silent(members)],
  })),
  intent('of the first beyond the members', (members) => ({ owner: members })),
  intent('of 65535', { owner: 65535 }),
  intent('on group 32', { resource: (32 << 16) | 1 }),
  intent('on resource 2³² − 1', { resource: 0xffffffff }),
  intent('that ends when it begins', { startS: nowS, endS: nowS }),
  intent('that ends before it begins', { startS: nowS, endS: nowS - 1 }),
  intent('from the end of time to its beginning', { startS: 0xffffffff, endS: 0 }),
  intent('longer by a second than the horizon', { startS: nowS, endS: nowS + horizonS + 1 }),
  intent('that begins a second beyond the horizon', { startS: nowS - 10 + horizonS + 1, endS: nowS + horizonS + 100 }),
  intent('that begins near the end of time', { startS: 0xfffffff0, endS: 0xffffffff }),
  intent('claimed a second after it was published', { claimS: nowS - 9 }),
  intent('claimed at the end of time', { claimS: 0xffffffff }),
  intent('with a lease a second too long', { leaseS: nowS - 10 + leaseMaxS + 1 }),
  intent('with a lease to the end of time', { leaseS: 0xffffffff }),
  intent('published a second too far ahead', { publishedS: nowS + AHEAD_S_MAX + 1 }),
  intent('published a day ahead', { publishedS: nowS + day, startS: nowS + day, endS: nowS + day + 100 }),
  intent('published at the end of time, whose sums wrap', {
    publishedS: 0xffffffff,
    claimS: 0xffffffff,
    startS: 0,
    endS: 1,
    leaseS: 5,
  }),
  impossible('a sync digest of two owners less', (members) => ({
    name: 'sync-digest',
    salt: 0,
    parts: new Uint8Array(Math.ceil(members / 2) - 1),
  })),
  impossible('a sync digest of two owners', () => ({ name: 'sync-digest', salt: 0, parts: new Uint8Array(1) })),
  impossible('an owner summary of the first beyond the members', (members) => ({
    name: 'owner-summary',
    owner: members,
    answer: 0,
    entries: [],
  })),
  impossible('an owner summary of 65535', () => ({ name: 'owner-summary', owner: 65535, answer: 0, entries: [] })),
  impossible('an owner summary with an intent slot twice', () => ({
    name: 'owner-summary',
    owner: 2,
    answer: 0,
    entries: [
      { slot: 1, version: 1 },
      { slot: 1, version: 2 },
    ],
  })),
  impossible('an owner summary with an intent slot twice, apart', () => ({
    name: 'owner-summary',
    owner: 2,
    answer: 0,
    entries: [
      { slot: 1, version: 1 },
      { slot: 2, version: 2 },
      { slot: 1, version: 1 },
    ],
  })),
  impossible('a silent list with a member twice', () => ({ name: 'silent-list', entries: [silent(4), silent(4)] })),
  impossible('a silent list with a member twice, apart', () => ({
    name: 'silent-list',
    entries: [silent(4), silent(5), silent(6), { ...silent(4), revocations: 200 }],
  })),
  impossible('a notice summary with a unit twice', () => ({
    name: 'notice-summary',
    answer: 0,
    entries: [
      { group: 1, unit: 0, observedS: 1 },
      { group: 1, unit: 1, observedS: 1 },
      { group: 1, unit: 0, observedS: 2 },
    ],
  })),
  impossible('a notice by the first beyond the members', (members) => ({
    name: 'notice',
    group: 1,
    unit: 0,
    capacity: 1,
    observedS: nowS,
    observer: members,
  })),
  impossible('a notice by 65535', () => ({
    name: 'notice',
    group: 1,
    unit: 0,
    capacity: 1,
    observedS: nowS,
    observer: 65535,
  })),
  impossible('a notice of a second too far ahead', () => ({
    name: 'notice',
    group: 1,
    unit: 0,
    capacity: 1,
    observedS: nowS + AHEAD_S_MAX + 1,
    observer: 3,
  })),
  impossible('a notice of the end of time', () => ({
    name: 'notice',
    group: 1,
    unit: 0,
    capacity: 1,
    observedS: 0xffffffff,
    observer: 3,
  })),
  plain(
    'a second heartbeat in a frame: another time',
    'implausible',
    'frame_implausible',
    (bench) => joinBytes([heartbeatAt(nowS, bench.members), heartbeatAt(nowS + 1, bench.members)].map(encodeMessage)),
    { membersMax: 176 },
  ),
  plain('a correct message, then an impossible one', 'implausible', 'frame_implausible', (bench) =>
    joinBytes(
      [heartbeatAt(nowS, bench.members), { name: 'probe-request', sequence: 1, target: bench.members } as Message].map(
        encodeMessage,
      ),
    ),
  ),
];

const channel = (name: string, epoch: number, text: (bench: AttackBench) => Uint8Array) =>
  plain(name, 'implausible', 'frame_channel', text, {
    make: (bench) => [bench.sealed({ keyEpoch: epoch }, text(bench))],
  });
const epochOf = (bench: AttackBench) => keyEpochMessages(3, nowS + 60, bench.members).map(encodeMessage);
const channels: Negative[] = [
  ...byAir(airMembers).map((message) =>
    channel(`${message.name} under the key of epoch 0`, 0, (bench) =>
      encodeMessage(byAir(bench.members).find(({ name }) => name === message.name) as Message),
    ),
  ),
  channel('an unknown message under the key of key epoch 0', 0, () => array(uint(112), uint(1))),
  channel('an intent behind a head under the key of key epoch 0', 0, (bench) =>
    joinBytes([epochOf(bench)[0], encodeMessage(intentAt(nowS, 2, 1))]),
  ),
  ...[1, 2].flatMap((epoch) => [
    channel(`a head under the key of epoch ${epoch}`, epoch, (bench) => epochOf(bench)[0]),
    channel(`a part under the key of epoch ${epoch}`, epoch, (bench) => epochOf(bench)[1]),
  ]),
  channel('a head behind a probe under the key of key epoch 1', 1, (bench) =>
    joinBytes([encodeMessage({ name: 'probe', sequence: 1 }), epochOf(bench)[0]]),
  ),
];

/**
 * The type of these cannot be decoded: under the key of key epoch 0 that is the wrong kind of
 * message.
 */
const typeless = new Set(['has its length in two bytes', 'has an indefinite length', 'has its type in three bytes']);
const keyMessages = keyEpochMessages(3, nowS + 60, airMembers);
const spoiltKeys: Negative[] = keyMessages.flatMap((message) =>
  spoiledMessages(message).map(({ what, bytes }) =>
    plain(
      `${message.name} ${what}`,
      typeless.has(what) ? 'implausible' : 'malformed',
      typeless.has(what) ? 'frame_channel' : 'frame_malformed',
      () => bytes,
      { make: (bench) => [bench.sealed({ keyEpoch: 0 }, bytes)] },
    ),
  ),
);

// ---- records of the platform ----

function record(name: string, status: Negative['status'], bytes: (bench: AttackBench) => Uint8Array): Negative {
  return { name, entry: 'observe', status, counter: 'record_rejected', make: (bench) => [bytes(bench)] };
}
const refused = (name: string, message: Message) => record(name, 'implausible', () => encodeMessage(message));
const assign = (name: string, more: Partial<Extract<Message, { name: 'assign' }>>) =>
  refused(`work ${name}`, { ...(recordsAt(nowS)[5] as Extract<Message, { name: 'assign' }>), ...more });

const records: Negative[] = [
  ...recordsAt(nowS)
    .filter((message, index, all) => all.findIndex(({ name }) => name === message.name) === index)
    .flatMap((message) =>
      spoiledMessages(message).map(({ what, bytes }) =>
        record(`record ${message.name} ${what}`, 'malformed', () => bytes),
      ),
    ),
  ...spoiledMessages(keyMessages[0])
    .slice(0, 6)
    .map(({ what, bytes }) => record(`a ground link’s ${keyMessages[0].name} ${what}`, 'malformed', () => bytes)),
  { ...record('a record of no bytes', 'length', () => new Uint8Array(0)) },
  { ...record('a record of 257 bytes', 'length', () => new Uint8Array(257)) },
  {
    ...record('a record of 2³² − 1 bytes', 'length', () => new Uint8Array(1)),
    make: () => [{ bytes: new Uint8Array(1), length: 0xffffffff }],
  },
  record('a record with a byte behind it', 'malformed', () =>
    Buffer.concat([encodeMessage(recordsAt(nowS)[0]), Uint8Array.of(0)]),
  ),
  record('two records at once', 'malformed', () =>
    joinBytes([recordsAt(nowS)[0], recordsAt(nowS)[0]].map(encodeMessage)),
  ),
  ...['probe', 'heartbeat', 'intent', 'silent-list'].map((name) =>
    record(`a message of the air as a record: ${name}`, 'unknownType', () =>
      encodeMessage(byAir(airMembers).find((message) => message.name === name) as Message),
    ),
  ),
  ...[127, 141, 159, 160, 170, 192, 207, 65535]
    .filter((type) => !SHAPES.some((shape) => shape.type === type && type < 160))
    .map((type) => record(`a record of type ${type}`, 'unknownType', () => array(uint(type), uint(0)))),
  record('a configuration as a record', 'unknownType', (bench) => bench.config({ secrets: [], path: [] })),
  record('a secret as a record, after the boot', 'unknownType', () =>
    encodeMessage({ name: 'link-secret', keyEpoch: 9, startS: 0, secret: new Uint8Array(32) }),
  ),
  record('a path key as a record, after the boot', 'unknownType', () =>
    encodeMessage({ name: 'path-key', node: 1, key: new Uint8Array(32) }),
  ),
  refused('a reservation further ahead than was asked for', { name: 'counters-reserved', cycle: reserved + 4097 }),
  refused('a reservation of the end of time', { name: 'counters-reserved', cycle: 0xffffffff }),
  refused('an outlook that ends when it begins', { name: 'outlook', fromS: 6000, untilS: 6000, kind: 1 }),
  refused('an outlook that ends before it begins', { name: 'outlook', fromS: 6000, untilS: 1, kind: 2 }),
  refused('a window that ends when it begins', { name: 'window', startS: 6000, endS: 6000, energyWh: 1 }),
  refused('a window from the end of time to its beginning', {
    name: 'window',
    startS: 0xffffffff,
    endS: 0,
    energyWh: 1,
  }),
  assign('that ends when it begins', { startS: nowS + 9000 }),
  assign('on group 32', { resource: (32 << 16) | 1 }),
  assign('on resource 2³² − 1', { resource: 0xffffffff }),
  assign('longer than the horizon', { startS: nowS, endS: nowS + horizonS + 1 }),
  assign('that begins beyond the horizon', { startS: nowS + horizonS + 1, endS: nowS + horizonS + 2 }),
];

export const messageCases: readonly Negative[] = [
  ...malformed,
  ...cut,
  ...oddities,
  ...implausible,
  ...channels,
  ...spoiltKeys,
  ...records,
];

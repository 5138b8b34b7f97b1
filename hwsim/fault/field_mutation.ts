/** Messages of a Byzantine member in which one field is set to a value of choice. */
import { type Intent, LIVENESS_TICK_S, type Message } from '../../host/cbor/generated.ts';
import { SHAPES } from '../../host/cbor/generated/shapes.ts';
import { recordTypeMin } from '../../host/cbor/types.ts';

/** A number, or a mission time relative to now, seconds. Bytes are filled with the lowest byte. */
export type FieldValue = number | { fromNowS: number };

/** One field of one message, or of an entry of a list, and its value; null: as it is. */
export interface FieldMutation {
  message: string;
  field: string;
  value: FieldValue | null;
}

/** What the Byzantine node knows when it makes a message. */
export interface Situation {
  node: number;
  nodes: number;
  nowS: number;
  /** Counts its cycles: it names each member in turn. */
  turn: number;
  /** A claim of another member. */
  claim: Intent | undefined;
  heartbeat: Message | undefined;
}

const listOf: Readonly<Record<string, string>> = {
  'silent-entry': 'silent-list',
  owned: 'owner-summary',
  noticed: 'notice-summary',
};

type Content = Record<string, unknown>;

/** A message as an honest member could send it; null: the Byzantine node knows too little. */
function templateOf(name: string, { node, nodes, nowS, turn, claim, heartbeat }: Situation): Content | null {
  const member = turn % nodes;
  const bytes = (length: number) => new Uint8Array(length);
  const { slot = 0, version = 1, resource = 1 << 16 } = claim ?? {};
  const group = resource >>> 16;
  const owner = claim?.owner ?? member;
  const digests = { digestA: bytes(16), signatureA: bytes(64), digestB: bytes(16).fill(1), signatureB: bytes(64) };
  const messages: Record<string, Content | undefined> = {
    probe: { sequence: 1 },
    ack: { sequence: 1 },
    'probe-request': { sequence: 1, target: member },
    heartbeat: heartbeat && { ...heartbeat, timeS: nowS },
    'relayed-ack': { sequence: 1, target: member },
    suspicion: { member, incarnation: 1 << 8 },
    alive: { member: node, incarnation: 1 << 8 },
    join: { incarnation: 1 << 8, generation: 1, cause: 1 },
    isolation: { fromS: nowS, untilS: nowS + 3600 },
    'silent-list': {
      entries: [{ member, lastLivenessTick: Math.floor(nowS / LIVENESS_TICK_S), revocations: 0 }],
    },
    'key-epoch-head': { keyEpoch: 2, startS: nowS, parts: 1, commitment: bytes(16), signature: bytes(64) },
    'key-epoch-part': { keyEpoch: 2, node: 1, wrapped: bytes(48) },
    intent: claim && { ...claim, version: version + 1, publishedS: nowS },
    'sync-digest': { first: 0, span: 1, digests: [1] },
    'owner-summary': { owner, answer: 1, entries: [{ slot, version: version + 1 }] },
    notice: { group, unit: 0, capacity: 1, observedS: nowS, observer: node },
    'notice-summary': { answer: 1, entries: [{ group, unit: 0, observedS: nowS }] },
    since: { fromS: nowS },
    statement: { owner, slot, version, atS: nowS, digest: bytes(16), signature: bytes(64) },
    proof: { owner, slot, version, atA: nowS, atB: nowS, ...digests },
    'statement-request': { owner, slot },
    alarm: { class: 1, onsetS: nowS, elapsedS: 0 },
    beacon: { cause: 1, resets: 0, timeS: nowS },
  };
  return messages[name] ?? null;
}

/** The message of a mutation; null: the Byzantine node knows too little for it yet. */
export function mutatedMessage({ message, field, value }: FieldMutation, situation: Situation): Message | null {
  const name = listOf[message] ?? message;
  const template = templateOf(name, situation);
  if (template === null) return null;
  const content = { ...template };
  if (value !== null) {
    const owner = name === message ? content : { ...(content.entries as Content[])[0] };
    const number = typeof value === 'number' ? value : Math.max(0, situation.nowS + value.fromNowS);
    const before = owner[field];
    owner[field] = before instanceof Uint8Array ? before.slice().fill(number & 0xff) : number;
    if (owner !== content) content.entries = [owner];
  }
  return { ...content, name } as unknown as Message;
}

/** Every field that a member sends to others, by message or entry of a list; no lists. */
export function linkFields(): { message: string; field: string }[] {
  const onLink = new Set(Object.keys(listOf));
  const shapes = SHAPES.filter(({ name, type }) => (type === null ? onLink.has(name) : type < recordTypeMin));
  return shapes.flatMap(({ name, fields }) =>
    fields.filter(({ of }) => of.kind !== 'array').map((field) => ({ message: name, field: field.name })),
  );
}

const times: readonly FieldValue[] = [-600, 20, 115].map((fromNowS) => ({ fromNowS }));

/** Values that a field is set to: the ends of its range; for a time also ones near the present. */
export function extremesOf(message: string, field: string): FieldValue[] {
  const of = SHAPES.find(({ name }) => name === message)?.fields.find(({ name }) => name === field)?.of;
  if (of === undefined) throw new Error(`the schema has no field ${message}.${field}`);
  if (of.kind !== 'uint') return [0, 0xff];
  return [of.min, of.max, ...(/(S|atA|atB)$/.test(field) ? times : [])];
}

/** Messages of a Byzantine member in which one field is set to a value of choice. */
import {
  COMMITMENT_BYTES,
  type Intent,
  LIVENESS_TICK_S,
  type Message,
  SIGNATURE_BYTES,
  STATEMENT_DIGEST_BYTES,
  WRAPPED_BYTES,
} from '../../host/cbor/generated.ts';
import { SHAPES } from '../../host/cbor/generated/shapes.ts';
import type { FieldShape, Shape } from '../../host/cbor/shape.ts';
import { recordTypeMin } from '../../host/cbor/types.ts';

/**
 * A number, or a mission time relative to now, seconds. A byte string is filled with the lowest
 * byte of the number, and a list of numbers with the number.
 */
export type FieldValue = number | { fromNowS: number };

/** One field of one message, or of an entry of a list, and its value. */
export interface FieldMutation {
  message: string;
  field: string;
  value: FieldValue;
}

/** A mutation of no message: the Byzantine node sends nothing but its image's messages. */
export const noMutation: FieldMutation = { message: 'none', field: 'none', value: 0 };

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

/** The record of which a field is a list; null: it is no list of records. */
const entryOf = ({ of }: FieldShape): string | null =>
  of.kind === 'array' && of.item.kind === 'record' ? of.item.record : null;

const isOnLink = ({ type }: Shape) => type !== null && type < recordTypeMin;

/** By the record of an entry: the message that has a list of such entries. */
const listOf: ReadonlyMap<string, string> = new Map(
  SHAPES.filter(isOnLink).flatMap(({ name, fields }) =>
    fields.flatMap((field): [string, string][] => {
      const entry = entryOf(field);
      return entry === null ? [] : [[entry, name]];
    }),
  ),
);

type Content = Record<string, unknown>;

/**
 * A message as an honest member could send it. null: the Byzantine node knows too little, or there
 * is no such message.
 */
function templateOf(name: string, { node, nodes, nowS, turn, claim, heartbeat }: Situation): Content | null {
  const member = turn % nodes;
  const { slot = 0, version = 1, resource = 1 << 16 } = claim ?? {};
  const group = resource >>> 16;
  const owner = claim?.owner ?? member;
  const commitment = new Uint8Array(COMMITMENT_BYTES);
  const digest = new Uint8Array(STATEMENT_DIGEST_BYTES);
  const signature = new Uint8Array(SIGNATURE_BYTES);
  const first = { atA: nowS, digestA: digest, signatureA: signature };
  const second = { atB: nowS, digestB: digest.slice().fill(1), signatureB: signature };
  const messages: Record<string, Content | undefined> = {
    probe: { sequence: 1 },
    ack: { sequence: 1 },
    'probe-request': { sequence: 1, target: member },
    heartbeat: heartbeat && { ...heartbeat, timeS: nowS },
    'relayed-ack': { sequence: 1, target: member },
    suspicion: { member, incarnation: 1 << 8, upS: 60 },
    alive: { member: node, incarnation: 1 << 8 },
    join: { incarnation: 1 << 8, generation: 1, cause: 1, upS: 60 },
    isolation: { fromS: nowS, untilS: nowS + 3600 },
    'silent-list': {
      entries: [{ member, lastLivenessTick: Math.floor(nowS / LIVENESS_TICK_S), revocations: 0 }],
    },
    'key-epoch-head': { keyEpoch: 2, startS: nowS, parts: 1, commitment, signature },
    'key-epoch-part': { keyEpoch: 2, node: 1, wrapped: new Uint8Array(WRAPPED_BYTES) },
    intent: claim && { ...claim, version: version + 1, publishedS: nowS },
    'sync-digest': { salt: 0, parts: new Uint8Array(Math.ceil(nodes / 2)) },
    'owner-summary': { owner, answer: 1, entries: [{ slot, version: version + 1 }] },
    notice: { group, unit: 0, capacity: 1, observedS: nowS, observer: node },
    'notice-summary': { answer: 1, entries: [{ group, unit: 0, observedS: nowS }] },
    since: { fromS: nowS },
    statement: { owner, slot, version, atS: nowS, digest, signature },
    proof: { owner, slot, version, ...first, ...second },
    'statement-request': { owner, slot },
    alarm: { class: 1, onsetS: nowS, elapsedS: 0 },
    beacon: { cause: 1, resets: 0, timeS: nowS },
  };
  return messages[name] ?? null;
}

/** The value of a field that has a number in its place, in the form of the value before. */
function replaced(before: unknown, number: number): unknown {
  if (before instanceof Uint8Array) return before.slice().fill(number & 0xff);
  return Array.isArray(before) ? before.map(() => number) : number;
}

/** The message of a mutation; null: there is none, or none yet (`templateOf`). */
export function mutatedMessage({ message, field, value }: FieldMutation, situation: Situation): Message | null {
  const name = listOf.get(message) ?? message;
  const template = templateOf(name, situation);
  if (template === null) return null;
  const number = typeof value === 'number' ? value : Math.max(0, situation.nowS + value.fromNowS);
  const mutated = (content: Content) => ({ ...content, [field]: replaced(content[field], number) });
  const content =
    name === message ? mutated(template) : { ...template, entries: (template.entries as Content[]).map(mutated) };
  return { ...content, name } as unknown as Message;
}

/** Every field that a member sends to others, by message or by entry of a list of records. */
export function linkFields(): { message: string; field: string }[] {
  const shapes = SHAPES.filter((shape) => isOnLink(shape) || listOf.has(shape.name));
  return shapes.flatMap(({ name, fields }) =>
    fields.filter((field) => entryOf(field) === null).map((field) => ({ message: name, field: field.name })),
  );
}

const times: readonly FieldValue[] = [-600, 20, 115].map((fromNowS) => ({ fromNowS }));

/** Values that a field is set to: the ends of its range; for a time also ones near the present. */
export function extremesOf(message: string, field: string): FieldValue[] {
  const of = SHAPES.find(({ name }) => name === message)?.fields.find(({ name }) => name === field)?.of;
  if (of === undefined) throw new Error(`the schema has no field ${message}.${field}`);
  if (of.kind === 'array' && of.item.kind === 'uint') return [of.item.min, of.item.max];
  if (of.kind !== 'uint') return [0, 0xff];
  return [of.min, of.max, ...(/(S|atA|atB)$/.test(field) ? times : [])];
}

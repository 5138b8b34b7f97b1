/**
 * Draws messages of every type that goes by radio: with any values, or with values that a member of
 * a cluster accepts.
 */
import { LIVENESS_TICK_FIRST, LIVENESS_TICK_S, ROUND_S } from '../../../host/cbor/generated.ts';
import { SHAPES } from '../../../host/cbor/generated/shapes.ts';
import { shapeNamed } from '../../../host/cbor/message.ts';
import { recordTypeMin } from '../../../host/cbor/types.ts';
import type { ArrayShape, BytesShape, RecordShape, Shape, UintShape } from '../../../host/cbor/shape.ts';
import type { RandomStream } from '../../kernel/random.ts';

/** Shapes of the messages that go by radio. */
export const airShapes: readonly Shape[] = SHAPES.filter(({ type }) => type !== null && type < recordTypeMin);

type Kind = UintShape | BytesShape | ArrayShape | RecordShape;
type Fields = Record<string, unknown>;

/** Draws the length of the encoding first, so that small numbers come up as often as large ones. */
function randomUint({ min, max }: UintShape, random: RandomStream): number {
  const ceiling = [24, 2 ** 8, 2 ** 16, 2 ** 32][random.below(4)];
  const top = Math.max(min, Math.min(max, ceiling - 1));
  return min + (random.below(4) === 0 ? top - min : random.below(top - min + 1));
}

function randomValue(of: Kind, random: RandomStream): unknown {
  if (of.kind === 'uint') return randomUint(of, random);
  if (of.kind === 'record') return randomFields(shapeNamed(of.record), random);
  const length = of.min + random.below(of.max - of.min + 1);
  if (of.kind === 'bytes') return Uint8Array.from({ length }, () => random.below(256));
  return Array.from({ length }, () => randomValue(of.item, random));
}

/** Draws fields of any values that the schema allows. */
export function randomFields(shape: Shape, random: RandomStream): Fields {
  return Object.fromEntries(shape.fields.map((field) => [field.name, randomValue(field.of, random)]));
}

export interface AirOptions {
  members: number;
  sender: number;
  /** Mission second of the receiver. */
  nowS: number;
  random: RandomStream;
}

function intentFields({ members, sender, nowS, random }: AirOptions): Fields {
  const startS = nowS + random.below(20_000);
  const claimS = nowS - random.below(Math.min(nowS, 3000) + 1);
  const endS = startS + 1 + random.below(90_000);
  const publishedS = claimS + random.below(nowS - claimS + 1);
  const owner = random.below(3) === 0 ? random.below(members) : sender;
  return {
    owner,
    resource: random.below(6 << 16),
    startS,
    endS,
    claimS,
    publishedS,
    leaseS: 0,
    state: 1 + random.below(3),
  };
}

/**
 * Draws the fields of a message that a member of the cluster may send, and that its receiver
 * accepts.
 */
export function airMessage(name: string, options: AirOptions): Fields {
  const { members, sender, nowS, random } = options;
  const fields = randomFields(shapeNamed(name), random);
  const member = () => random.below(members);
  // A list names nothing twice.
  const entries = (fields.entries ?? []) as Fields[];
  const first = member();
  const bytes = (length: number) => Uint8Array.from({ length }, () => random.below(256));
  const bitmap = (planes: number) => bytes(Math.ceil(members / 8) * planes);
  switch (name) {
    case 'heartbeat':
      return { ...fields, timeS: nowS, timeMs: 0, errorMs: 100, ages: bitmap(3), agree: bitmap(1) };
    case 'suspicion':
      return { ...fields, member: member() };
    case 'probe-request':
    case 'relayed-ack':
      return { ...fields, target: member() };
    case 'alive':
      return { ...fields, member: sender };
    case 'statement':
    case 'statement-request':
      return { ...fields, owner: member() };
    case 'proof':
      return { ...fields, owner: member(), version: 1 + random.below(1 << 20) };
    case 'owner-summary':
      return { ...fields, owner: member(), entries: entries.map((entry, slot) => ({ ...entry, slot })) };
    case 'silent-list':
      return {
        ...fields,
        entries: entries.slice(0, members).map((entry, i) => ({ ...entry, member: (first + i) % members })),
      };
    case 'notice-summary':
      return { ...fields, entries: entries.map((entry, unit) => ({ ...entry, unit })) };
    case 'sync-digest':
      return { ...fields, parts: bytes(Math.ceil(members / 2)) };
    case 'notice':
      return { ...fields, observer: member(), observedS: random.below(nowS) };
    case 'isolation':
      return { ...fields, fromS: nowS, untilS: nowS + 1 + random.below(90_000) };
    case 'intent':
      return { ...fields, ...intentFields(options) };
    case 'cluster-summary':
      return {
        ...fields,
        coordinator: sender,
        round: Math.floor((nowS + LIVENESS_TICK_FIRST * LIVENESS_TICK_S) / ROUND_S),
        asOfS: nowS,
        counts: [1, members, 0, 0],
      };
    case 'decision':
      return { ...fields, number: 1, promised: (1 << 8) | sender, accepted: 0, kind: 0, contentHigh: 0, contentLow: 0 };
    case 'split': {
      const ballot = (1 << 8) | sender;
      return { ...fields, number: 1, promised: ballot, accepted: ballot, switchS: nowS, members: new Uint8Array(28) };
    }
    default:
      return fields;
  }
}

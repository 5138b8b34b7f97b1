// Sizes on the air, and the assertion that everything fits a frame.

import type { FieldKind, Rule } from './schema.ts';

/** A frame on the air has at most this many bytes, whatever the carrier (protocol.md). */
export const FRAME_BYTES_MAX = 256;
/** Members of the largest cluster (proto/schema/constants.cddl, cluster-members-max). */
export const CLUSTER_MEMBERS_MAX = 200;
/** COSE_Encrypt0 up to its ciphertext, with a head of two bytes for that. */
export const ENVELOPE_BYTES = 27;
/** The same with a head of one byte. */
const ENVELOPE_BYTES_MIN = 26;
export const TAG_BYTES = 16;
export const CRC_BYTES = 4;
/** Room for messages in a frame. */
export const PLAIN_BYTES_MAX = FRAME_BYTES_MAX - ENVELOPE_BYTES - TAG_BYTES - CRC_BYTES;
/** A message takes two bytes at least. */
export const FRAME_BYTES_MIN = ENVELOPE_BYTES_MIN + 2 + TAG_BYTES + CRC_BYTES;
/**
 * What must share a frame: a periodic frame carries a heartbeat and a probe (or its ack), an
 * intent's frame a heartbeat too.
 */
export const TOGETHER: readonly (readonly string[])[] = [
  ['heartbeat', 'probe'],
  ['heartbeat', 'ack'],
  ['heartbeat', 'probe-request'],
  ['heartbeat', 'relayed-ack'],
  ['heartbeat', 'intent'],
  ['heartbeat', 'member-profile'],
  ['key-epoch-head', 'key-epoch-part'],
];

/** Bytes of the shortest head that says `argument`. */
function headBytes(argument: number): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  return argument < 0x10000 ? 3 : 5;
}

function kindBytesMax(of: FieldKind, rules: readonly Rule[]): number {
  if (of.kind === 'uint') return headBytes(of.max);
  if (of.kind === 'bytes') return headBytes(of.max) + of.max;
  return (
    headBytes(of.max) +
    of.max * (of.item.kind === 'uint' ? headBytes(of.item.max) : bytesMax(ruleNamed(of.item.record, rules), rules))
  );
}

/** The rule of that name; throws if there is none. */
export function ruleNamed(name: string, rules: readonly Rule[]): Rule {
  const rule = rules.find((candidate) => candidate.name === name);
  if (rule === undefined) throw new Error(`proto/schema defines no '${name}'`);
  return rule;
}

/** Bytes of the rule's longest encoding. */
export function bytesMax(rule: Rule, rules: readonly Rule[]): number {
  const head = headBytes(itemCount(rule)) + (rule.type === null ? 0 : headBytes(rule.type));
  const check = isChecked(rule) ? CHECK_BYTES : 0;
  return rule.fields.reduce((sum, field) => sum + kindBytesMax(field.of, rules), head + check);
}

/** First types: of records between platform and firmware, and of the events among them. */
const RECORD_TYPE_MIN = 128;
const EVENT_TYPE_MIN = 192;
/** Bytes of the check that ends a record (proto/schema/constants.cddl, check-bytes). */
const CHECK_BYTES = 5;

/** Whether the message goes on the air, and not only between platform and firmware. */
export function isOnAir(rule: Rule): boolean {
  return rule.type !== null && rule.type < RECORD_TYPE_MIN;
}

/** Whether the rule is a record between platform and firmware. */
export function isRecord(rule: Rule): boolean {
  return rule.type !== null && rule.type >= RECORD_TYPE_MIN;
}

/**
 * Whether the record ends with a check: what the platform gives and what it carries out, but not
 * events, on which nothing acts.
 */
export function isChecked(rule: Rule): boolean {
  return isRecord(rule) && (rule.type as number) < EVENT_TYPE_MIN;
}

/** Items of the rule's array: the type, the fields, the check. */
export function itemCount(rule: Rule): number {
  return rule.fields.length + (rule.type === null ? 0 : 1) + (isChecked(rule) ? 1 : 0);
}

/** Throws, naming the messages and the excess, unless all that must fit into one frame does. */
export function assertFrames(rules: readonly Rule[]): void {
  const alone = rules.filter(isOnAir).map((rule) => [rule.name]);
  for (const names of [...alone, ...TOGETHER]) {
    const bytes = names.reduce((sum, name) => sum + bytesMax(ruleNamed(name, rules), rules), 0);
    if (bytes > PLAIN_BYTES_MAX) {
      throw new Error(
        `${names.join(' and ')} take up to ${bytes} bytes, but a frame has room for ${PLAIN_BYTES_MAX}: ` +
          `shorten a field of ${names.join(' or ')}`,
      );
    }
  }
}

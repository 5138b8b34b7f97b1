// Sizes on the air, and the assertion that everything fits a frame.

import type { FieldKind, Rule } from './schema.ts';

/** A frame on the air has at most this many bytes, whatever the carrier (protocol.md). */
export const AIR_BYTES_MAX = 256;
/** What the security envelope, its tag and the CRC-32C are going to take of it. */
export const ENVELOPE_BYTES_MAX = 48;
/** A frame as the firmware handles it: header, messages, CRC-32C. */
export const FRAME_BYTES_MAX = AIR_BYTES_MAX - ENVELOPE_BYTES_MAX;
export const CRC_BYTES = 4;
/** The rule that opens a frame. */
export const HEADER = 'header';
/** What must share a frame: a periodic frame carries a pulse and a probe (or its ack), an intent's frame a pulse too. */
export const TOGETHER: readonly (readonly string[])[] = [
  ['pulse', 'probe'],
  ['pulse', 'ack'],
  ['pulse', 'probe-request'],
  ['pulse', 'relayed-ack'],
  ['pulse', 'intent'],
];

/** Bytes of the shortest head that says `argument`. */
export function headBytes(argument: number): number {
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
  const head = rule.type === null ? headBytes(rule.fields.length) : headBytes(rule.fields.length + 1) + headBytes(rule.type);
  return rule.fields.reduce((sum, field) => sum + kindBytesMax(field.of, rules), head);
}

/** Whether the message goes on the air (types below 128) and not only between platform and firmware. */
export function isOnAir(rule: Rule): boolean {
  return rule.type !== null && rule.type < 128;
}

/**
 * Throws if a message could be taken for a frame's header: as many items, and a type among the header's versions. A tool that is
 * handed some bytes tells a frame from a bare record by that.
 */
export function assertHeaderDistinct(rules: readonly Rule[]): void {
  const header = ruleNamed(HEADER, rules);
  const version = header.fields[0].of;
  const twin = rules.find(
    (rule) =>
      rule.type !== null &&
      rule.type >= version.min &&
      rule.type <= version.max &&
      rule.fields.length + 1 === header.fields.length,
  );
  if (twin !== undefined)
    throw new Error(`${twin.name} looks like a frame's header: give it another number of fields than ${twin.fields.length}`);
}

/** Throws, naming the messages and the excess, unless all that must fit into one frame does. */
export function assertFrames(rules: readonly Rule[]): void {
  const fixed = bytesMax(ruleNamed(HEADER, rules), rules) + CRC_BYTES;
  const alone = rules.filter(isOnAir).map((rule) => [rule.name]);
  for (const names of [...alone, ...TOGETHER]) {
    const bytes = names.reduce((sum, name) => sum + bytesMax(ruleNamed(name, rules), rules), fixed);
    if (bytes > FRAME_BYTES_MAX) {
      throw new Error(
        `header, ${names.join(', ')} and CRC take up to ${bytes} bytes, but a frame has ${FRAME_BYTES_MAX}: shorten a field of ${names.join(' or ')}`,
      );
    }
  }
}

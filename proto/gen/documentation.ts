// Emits docs/messages.md.

import { filledPage } from './fill.ts';
import { roleOf } from './roles.ts';
import type { ArrayKind, BytesKind, Field, Rule, UintKind } from './schema.ts';
import {
  bytesMax,
  CLUSTER_MEMBERS_MAX,
  CRC_BYTES,
  ENVELOPE_BYTES,
  FRAME_BYTES_MAX,
  isChecked,
  isOnAir,
  PLAIN_BYTES_MAX,
  ruleNamed,
  TAG_BYTES,
  TOGETHER,
} from './size.ts';

const ranges: { readonly [max: number]: string } = { 255: 'u8', 65535: 'u16', 4294967295: 'u32' };

function rangeText(of: UintKind): string {
  return of.min === 0 && ranges[of.max] !== undefined ? ranges[of.max] : `${of.min}..${of.max}`;
}

function arrayText(of: ArrayKind, rules: readonly Rule[]): string {
  const item =
    of.item.kind === 'uint' ? rangeText(of.item) : `[${fieldsText(ruleNamed(of.item.record, rules), rules)}]`;
  return `${of.min}–${of.max} × ${item}`;
}

/**
 * Byte strings of which a node takes one length only, which depends on the size of its cluster:
 * bitmaps of its members.
 */
const planes: { readonly [field: string]: number } = { 'heartbeat.ages': 3, 'heartbeat.agree': 1 };

/** Throws if the schema has room for other lengths than the largest cluster needs. */
function bitmapText(name: string, planeCount: number, of: BytesKind): string {
  const bytesMax = planeCount * Math.ceil(CLUSTER_MEMBERS_MAX / 8);
  if (of.min !== 0 || of.max !== bytesMax)
    throw new Error(`${name} has ${of.min}..${of.max} bytes, but bitmaps of ${CLUSTER_MEMBERS_MAX} take ${bytesMax}`);
  return `${planeCount === 1 ? '' : `${planeCount} × `}⌈members ÷ 8⌉ bytes`;
}

function bytesText(rule: Rule, field: Field, of: BytesKind): string {
  const name = `${rule.name}.${field.name}`;
  if (planes[name] !== undefined) return bitmapText(name, planes[name], of);
  return of.min === of.max ? `${of.max} bytes` : `${of.min}–${of.max} bytes`;
}

function fieldText(rule: Rule, field: Field, rules: readonly Rule[]): string {
  const of = field.of;
  if (of.kind === 'uint') return `${field.name} ${rangeText(of)}`;
  if (of.kind === 'bytes') return `${field.name} ${bytesText(rule, field, of)}`;
  return `${field.name} ${arrayText(of, rules)}`;
}

function fieldsText(rule: Rule, rules: readonly Rule[]): string {
  return rule.fields.map((field) => fieldText(rule, field, rules)).join(', ');
}

function itemsText(rule: Rule, rules: readonly Rule[]): string {
  return `${fieldsText(rule, rules)}${isChecked(rule) ? ', check' : ''}`;
}

function table(list: readonly Rule[], rules: readonly Rule[]): string[] {
  return [
    '| type | name | sender → addressee | fields | bytes at most |',
    '|---:|---|---|---|---:|',
    ...list.map(
      (rule) =>
        `| ${rule.type} | \`${rule.name}\` | ${roleOf(rule)} | ${itemsText(rule, rules)} | ${bytesMax(rule, rules)} |`,
    ),
    '',
  ];
}

function frameTable(rules: readonly Rule[]): string[] {
  const rows = TOGETHER.map((names) => {
    const bytes = names.reduce((sum, name) => sum + bytesMax(ruleNamed(name, rules), rules), 0);
    return `| ${names.map((name) => `\`${name}\``).join(' + ')} | ${bytes} | ${PLAIN_BYTES_MAX - bytes} |`;
  });
  return ['| messages | bytes at most | left |', '|---|---:|---:|', ...rows, ''];
}

/** The section about checks, and the title of the next. */
const checksText: readonly string[] = [
  '## Checks',
  '',
  'A record of a type from 128 to 191, what the platform gives and what it carries out, ends with a check: a byte',
  'string of four bytes, the CRC-32C, big-endian, of all bytes of the record before that item. Who makes the',
  'record writes it; who reads the record verifies it, and refuses the record whole if it differs. Events have',
  'none, because nothing acts on them. `key-epoch-head` and `key-epoch-part` are protected by the signature',
  'and by their own tags.',
  '',
  '## Frames',
  '',
];

const typeRanges: readonly { readonly title: string; readonly from: number; readonly to: number }[] = [
  { title: 'Membership', from: 1, to: 15 },
  { title: 'Intents', from: 16, to: 31 },
  { title: 'Federation', from: 32, to: 47 },
  { title: 'Convergence and watchdog', from: 96, to: 111 },
  { title: 'Observations', from: 128, to: 159 },
  { title: 'Commands', from: 160, to: 191 },
  { title: 'Events', from: 192, to: 255 },
];

/** What is signed, and by whom. */
const signedText: readonly string[] = [
  '## What is signed',
  '',
  'All signatures are Ed25519 (RFC 8032), 64 bytes.',
  '',
  "A `key-epoch-head` has the authority's signature of a COSE_Sign1 (RFC 9052) whose other parts are not sent:",
  '',
  '    protected header   a2 01 27 04 42 cc cc      {1: -8 (EdDSA), 4: cluster, 2 bytes big-endian}',
  '    payload            [cluster, keyEpoch, startS, parts, commitment], deterministic CBOR',
  '    signed             Sig_structure: ["Signature1", protected header, h\'\', payload]',
  '',
  "A `statement`, and each half of a `proof`, has its owner's signature of these bytes, all numbers big-endian:",
  '',
  '    "heliograph intent" (17 bytes, ASCII) ‖ cluster u16 ‖ owner u16 ‖ slot u8 ‖ version u32 ‖ atS u32',
  '    ‖ digest (16 bytes): 46 bytes',
  '',
  'Its `digest` is the first 16 bytes of SHA-256 over the `intent` message of that version, as encoded above.',
  '',
  'A `cluster-summary` has its coordinator\'s signature of "heliograph federation" (21 bytes, ASCII) and the',
  'encoded message up to the head of its signature.',
  '',
];

/**
 * docs/messages.md. Throws if a type lies outside the typeRanges of all modules, or a message has
 * no role.
 */
export function documentationFiles(rules: readonly Rule[]): { path: string; text: string }[] {
  const messages = rules.filter((rule) => rule.type !== null);
  const within = (rule: Rule, range: { from: number; to: number }): boolean =>
    rule.type !== null && rule.type >= range.from && rule.type <= range.to;
  const stray = messages.find((rule) => !typeRanges.some((range) => within(rule, range)));
  if (stray !== undefined)
    throw new Error(`type ${stray.type} of '${stray.name}' is in no module's range (proto/gen/documentation.ts)`);
  const lines = [
    '<!-- Generated by proto/gen: change proto/schema, run `node proto/gen/main.mjs`. -->',
    '# Messages',
    '',
    'Everything that crosses the air or the ABI is a CBOR array `[type, field, …]` (RFC 8949), in deterministic',
    'encoding: shortest integers, definite lengths. What the fields mean stands beside them in',
    '`proto/schema/*.cddl`; times are mission seconds, liveness ticks are',
    '300 s. Types are append-only: once released, a number is never used for anything else, and its fields stay.',
    '',
    'A decoder accepts exactly what an encoder writes. Anything else is refused whole: other lengths or types,',
    'values out of range, longer heads than needed, indefinite lengths, floats, text, tags, bytes left over.',
    '',
    'A message of an unknown type is passed over and counted (`message-unknown`) if its type is 0–127, the frame',
    'is not of key epoch 0, and the message is an array of well-formed items in shortest heads: unsigned and',
    'negative integers, byte strings, arrays, maps, tags, false, true and null, at most four levels of arrays,',
    'maps and tags, itself included, each of at most 32,767 bytes or items. Any other refuses its frame',
    '(status 3; in key epoch 0: 6). Types from 128 on never travel in frames: there they are malformed. A record',
    'of an unknown type is refused by `observe` (status 9).',
    '',
    'A bitmap has ⌈members ÷ 8⌉ bytes: member m is bit m mod 8 (bit 0 is the lowest) of byte ⌊m ÷ 8⌋.',
    '`ages` is three bitmaps, one behind the other: bit 0 of each member, then bit 1, then bit 2. A node refuses a',
    'heartbeat whose `ages` or `agree` has another length than its own cluster size demands (status 6).',
    '',
    ...checksText,
    `    COSE_Encrypt0(message ‖ message ‖ …) ‖ CRC-32C (${CRC_BYTES} bytes, big-endian)`,
    '',
    `A frame has at most ${FRAME_BYTES_MAX} bytes: ${ENVELOPE_BYTES} of envelope, in which cluster, key epoch,`,
    `sender, addressee and counter stand in the clear, up to ${PLAIN_BYTES_MAX} of messages in ciphertext, a`,
    `tag of ${TAG_BYTES}, the CRC-32C of all before it. docs/security.md draws the envelope. Keys`,
    '(`key-epoch-head`, `key-epoch-part`) travel in frames of key epoch 0, and nothing else does. proto/gen fails',
    'unless each message fits a frame alone, and these fit together:',
    '',
    ...frameTable(rules),
    ...typeRanges.flatMap((range) => {
      const own = messages.filter((rule) => within(rule, range));
      return [
        `## ${range.title}, types ${range.from}–${range.to}${own.every(isOnAir) ? '' : ' (never on the air)'}`,
        '',
        ...table(own, rules),
      ];
    }),
    ...signedText,
    '## Reading them',
    '',
    '`npx heliograph decode HEX` shows a frame or a record in diagnostic notation with these names.',
    '`proto/vectors/*.json` holds good and bad encodings of each, which every codec must take or refuse.',
  ];
  return [{ path: 'docs/messages.md', text: filledPage(lines) }];
}

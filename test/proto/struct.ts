// Writes and reads the firmware codec's structs in its memory: one word per integer, two per byte
// string, a count and the items behind the fields per array.

import { bytesOf, hexOf } from '../../proto/gen/encoding.ts';
import type { ArrayKind, Rule } from '../../proto/gen/schema.ts';
import { ruleNamed } from '../../proto/gen/size.ts';
import type { VectorValue } from '../../proto/gen/vectors.ts';

export type Fields = { readonly [field: string]: VectorValue };

/** Bytes that the struct's own fields take. */
function fixedBytes(rule: Rule): number {
  return rule.fields.reduce((sum, field) => sum + (field.of.kind === 'bytes' ? 8 : 4), 0);
}

function itemBytes(of: ArrayKind, rules: readonly Rule[]): number {
  return of.item.kind === 'uint' ? 4 : fixedBytes(ruleNamed(of.item.record, rules));
}

/** Where a struct stands, and where its byte strings go. */
export interface StructPlace {
  at: number;
  bytesAt: number;
}

/** Writes `fields` as the rule's struct at `at`; byte strings go to `bytesAt` and on. */
export function writeStruct(
  memory: WebAssembly.Memory,
  { at, bytesAt }: StructPlace,
  rule: Rule,
  fields: Fields,
  rules: readonly Rule[],
): void {
  const view = new DataView(memory.buffer);
  let word = at;
  let items = at + fixedBytes(rule);
  let free = bytesAt;
  for (const field of rule.fields) {
    const of = field.of;
    if (of.kind === 'uint') {
      view.setUint32(word, fields[field.name] as number, true);
    } else if (of.kind === 'bytes') {
      const bytes = bytesOf(fields[field.name] as string);
      new Uint8Array(memory.buffer).set(bytes, free);
      view.setUint32(word, free, true);
      view.setUint32(word + 4, bytes.length, true);
      free += bytes.length;
      word += 4;
    } else {
      const list = fields[field.name] as readonly VectorValue[];
      const size = itemBytes(of, rules);
      view.setUint32(word, list.length, true);
      list.forEach((item, i) => {
        if (of.item.kind === 'uint') view.setUint32(items + i * size, item as number, true);
        else {
          const place = { at: items + i * size, bytesAt: free };
          writeStruct(memory, place, ruleNamed(of.item.record, rules), item as Fields, rules);
        }
      });
      items += of.max * size;
    }
    word += 4;
  }
}

/** Reads the rule's struct at `at`. */
export function readStruct(memory: WebAssembly.Memory, at: number, rule: Rule, rules: readonly Rule[]): Fields {
  const view = new DataView(memory.buffer);
  const fields: Record<string, VectorValue> = {};
  let word = at;
  let items = at + fixedBytes(rule);
  for (const field of rule.fields) {
    const of = field.of;
    const value = view.getUint32(word, true);
    if (of.kind === 'uint') {
      fields[field.name] = value;
    } else if (of.kind === 'bytes') {
      word += 4;
      fields[field.name] = hexOf(new Uint8Array(memory.buffer, value, view.getUint32(word, true)));
    } else {
      const size = itemBytes(of, rules);
      const from = items;
      fields[field.name] = Array.from({ length: value }, (_, i) =>
        of.item.kind === 'uint'
          ? view.getUint32(from + i * size, true)
          : readStruct(memory, from + i * size, ruleNamed(of.item.record, rules), rules),
      );
      items += of.max * size;
    }
    word += 4;
  }
  return fields;
}

/** The same fields as the host's codec takes them: byte strings as bytes. */
export function hostFields(rule: Rule, fields: Fields): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  for (const field of rule.fields)
    own[field.name] = field.of.kind === 'bytes' ? bytesOf(fields[field.name] as string) : fields[field.name];
  return own;
}

/** Back from the host's codec: byte strings as hex, without the name. */
export function fromHostFields(rule: Rule, value: Readonly<Record<string, unknown>>): Fields {
  const own: Record<string, VectorValue> = {};
  for (const field of rule.fields)
    own[field.name] =
      field.of.kind === 'bytes' ? hexOf(value[field.name] as Uint8Array) : (value[field.name] as VectorValue);
  return own;
}

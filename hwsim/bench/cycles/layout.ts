/** The firmware's memory map as numbers, read from the sources that define it: firmware/memory/{lines,preset/*,limits,map}.ts hold them as constants. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Preset, rootFolder, type Variant } from '../../../host/build/root.ts';

/** What host/build/firmware.mjs changes of a preset for images that are only measured. */
const variants: Readonly<Record<Variant, { base: Preset; changed: readonly string[] }>> = {
  bare: { base: 'flight', changed: ['PROTECTED', 'SCRUBBED'] },
  unscrubbed: { base: 'flight', changed: ['SCRUBBED'] },
  trusting: { base: 'flight', changed: ['CONTAINED'] },
  'null-cipher': { base: 'flight', changed: [] },
  'tiny-null-cipher': { base: 'tiny', changed: [] },
  'compact-bare': { base: 'compact', changed: ['PROTECTED', 'SCRUBBED'] },
  'compact-unscrubbed': { base: 'compact', changed: ['SCRUBBED'] },
};

const isVariant = (image: Preset | Variant): image is Variant => image in variants;

/** Every `const NAME: u32 = expression;` (or bool) of the four files, in order. Throws on an expression that is more than arithmetic. */
export function firmwareConstants(image: Preset | Variant): Map<string, number> {
  const { base, changed } = isVariant(image) ? variants[image] : { base: image, changed: [] };
  const values = new Map<string, number>();
  for (const file of ['lines', `preset/${base}`, 'limits', 'map']) {
    const text = readFileSync(join(rootFolder, 'firmware/memory', `${file}.ts`), 'utf8');
    for (const [, name, expression] of text.matchAll(/^(?:export )?const (\w+): (?:u32|bool) = ([^;]+);/gm)) {
      const spelled = expression
        .replaceAll(/\btrue\b/g, '1')
        .replaceAll(/\bfalse\b/g, '0')
        .replaceAll(/[A-Z][A-Z_0-9]*/g, (word) => {
          const value = values.get(word);
          if (value === undefined)
            throw new Error(`firmware/memory/${file}.ts: ${name} uses ${word}, which is not defined before it`);
          return String(value);
        });
      if (!/^[\sx\d+\-*/()&|~<>?:a-f]+$/.test(spelled))
        throw new Error(`firmware/memory/${file}.ts: ${name} is no arithmetic: ${expression}`);
      if (changed.includes(name)) values.set(name, 0);
      else values.set(name, Number(new Function(`return (${spelled}) >>> 0`)()));
    }
  }
  return values;
}

/** What TABLES of test/native_baseline/runner.c takes, in its order. */
export function tableLayout(image: Preset | Variant): number[] {
  const of = firmwareConstants(image);
  const names = [
    'EDGE_AT CALL_AT CLOCK_AT QUEUES_AT COUNTERS_AT SCRATCH_AT PLAIN_AT MEMBERS_AT MEMBER_BITMAPS_AT BITMAP_BYTES INTENT_STATE_AT',
    'INTENTS_AT INTENT_INDEX_AT GROUPS_AT NOTICES_AT LINK_KEYS_AT PEERS_AT MEMBERS_MAX INTENTS_MAX NOTICES_MAX',
  ];
  return names
    .join(' ')
    .split(' ')
    .map((name) => {
      const value = of.get(name);
      if (value === undefined)
        throw new Error(`firmware/memory has no ${name}: hwsim/bench/cycles/layout.ts names what it reads`);
      return value;
    });
}

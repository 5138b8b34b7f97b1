/** The firmware's memory map as numbers, read from the sources that define it: firmware/memory/{lines,preset_*,limits,map}.ts hold them as constants. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Preset, rootFolder } from '../build/root.ts';

/** Every `const NAME: u32 = expression;` (or bool) of the four files, in order. Throws on an expression that is more than arithmetic. */
export function firmwareConstants(preset: Preset): Map<string, number> {
  const values = new Map<string, number>();
  for (const file of ['lines', `preset_${preset}`, 'limits', 'map']) {
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
      values.set(name, Number(new Function(`return (${spelled}) >>> 0`)()));
    }
  }
  return values;
}

/** What TABLES of test/yardstick/runner.c takes, in its order. */
export function tableLayout(preset: Preset): number[] {
  const of = firmwareConstants(preset);
  const names =
    'EDGE_AT COUNTERS_AT SCRATCH_AT MEMBERS_AT MEMBER_BITMAPS_AT INTENT_STATE_AT INTENTS_AT INTENT_INDEX_AT GROUPS_AT NOTICES_AT'.split(
      ' ',
    );
  return [...names, 'MEMBERS_MAX', 'INTENTS_MAX', 'NOTICES_MAX'].map((name) => {
    const value = of.get(name);
    if (value === undefined) throw new Error(`firmware/memory has no ${name}: host/bench/cycles_layout.ts names what it reads`);
    return value;
  });
}

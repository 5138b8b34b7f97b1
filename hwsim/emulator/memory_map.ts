/** Reads the firmware's memory map from its sources, firmware/memory/{lines,preset/*,limits,map}.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Preset, rootFolder, type Variant } from '../../host/build/root.ts';

/** The constants that host/build/firmware.mjs sets to false for the images that are only measured. */
const variants: Readonly<Record<Variant, { base: Preset; cleared: readonly string[] }>> = {
  bare: { base: 'flight', cleared: ['PROTECTED', 'SCRUBBED'] },
  unscrubbed: { base: 'flight', cleared: ['SCRUBBED'] },
  trusting: { base: 'flight', cleared: ['CONTAINED'] },
  'null-cipher': { base: 'flight', cleared: [] },
  'tiny-null-cipher': { base: 'tiny', cleared: [] },
  'compact-bare': { base: 'compact', cleared: ['PROTECTED', 'SCRUBBED'] },
  'compact-unscrubbed': { base: 'compact', cleared: ['SCRUBBED'] },
};

const isVariant = (image: Preset | Variant): image is Variant => image in variants;

const declaration = /^(?:export )?const (\w+): (?:u32|bool) = ([^;]+);/gm;
const arithmetic = /^[\sx\d+\-*/()&|~<>?:a-f]+$/;

/**
 * Returns the value of every `const NAME: u32 = expression;` (or bool) in the four files, in their
 * order. Booleans are 0 and 1. Throws when an expression is more than arithmetic.
 */
export function firmwareConstants(image: Preset | Variant): Map<string, number> {
  const { base, cleared } = isVariant(image) ? variants[image] : { base: image, cleared: [] };
  const values = new Map<string, number>();
  for (const file of ['lines', `preset/${base}`, 'limits', 'map']) {
    const path = `firmware/memory/${file}.ts`;
    const text = readFileSync(join(rootFolder, path), 'utf8');
    for (const [, name, expression] of text.matchAll(declaration))
      values.set(name, cleared.includes(name) ? 0 : evaluate(expression, values, `${path}: ${name}`));
  }
  return values;
}

/** Evaluates an expression over constants that are defined before it. `where` names it in errors. */
function evaluate(expression: string, values: ReadonlyMap<string, number>, where: string): number {
  const numbers = expression
    .replaceAll(/\btrue\b/g, '1')
    .replaceAll(/\bfalse\b/g, '0')
    .replaceAll(/[A-Z][A-Z_0-9]*/g, (name) => {
      const value = values.get(name);
      if (value === undefined) throw new Error(`${where} uses ${name}, which is not defined before it`);
      return String(value);
    });
  if (!arithmetic.test(numbers)) throw new Error(`${where} is more than arithmetic: ${expression}`);
  return Number(new Function(`return (${numbers}) >>> 0`)());
}

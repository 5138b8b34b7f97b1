/**
 * Translates an image to C for a board (BRD-1). wasm2c emits one C function per WebAssembly
 * function behind a general preamble (tables, floats, threads, growing memories). A flight image
 * needs none of that: the functions and the constant data are kept, and every access to linear
 * memory is rewritten to go through firmware/boards/image/memory.h, which knows where the memory
 * lies and how large it is.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { filesBelow, stampOf } from '../build/paths.mjs';
import { rootFolder } from '../build/root.ts';

const prefix = 'w2c_heliograph_';
const instance = `w2c_heliograph*`;

const keptFolder = join(rootFolder, 'dist/objects');

/**
 * Translates the image's functions to C. The text is kept by image, for many programs hold one
 * image. Throws with wasm2c's own message, or when its output has a shape that this reader does not
 * know.
 */
export function translateImage(imagePath: string): string {
  const translator = stampOf(filesBelow('host/board', ['.ts']));
  const mark = createHash('sha256').update(translator).update(readFileSync(imagePath)).digest('hex').slice(0, 16);
  const kept = join(keptFolder, `image-${mark}.c`);
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  const text = rewrite(
    runWabt('wasm2c', [imagePath, '-n', 'heliograph']),
    readAccesses(runWabt('wasm-objdump', ['-d', imagePath])),
  );
  mkdirSync(keptFolder, { recursive: true });
  const aside = `${kept}.${process.pid}`;
  writeFileSync(aside, text);
  renameSync(aside, kept);
  return text;
}

function runWabt(command: string, args: readonly string[]): string {
  const path = join(dirname(createRequire(import.meta.url).resolve('wabt/package.json')), 'bin', command);
  const run = spawnSync(process.execPath, [path, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (run.status !== 0)
    throw new Error(`${command} refuses ${args[args.length - 1]}: ${run.stderr || run.error?.message}`);
  return run.stdout;
}

/** One access to linear memory, as the image has it: wasm2c drops its declared alignment. */
export interface Access {
  readonly name: string;
  readonly offset: number;
  /** True when the alignment is less than the size of what is accessed. */
  readonly unaligned: boolean;
}

/** Reads all accesses in the order of the code from `wasm-objdump -d`. */
export function readAccesses(disassembly: string): Access[] {
  return [...disassembly.matchAll(/\b(i\d\d)\.((?:load|store)\w*) (\d+) (\d+)$/gm)].map(
    ([, type, operation, align, offset]) => {
      const bits = Number(/(?:load|store)(\d+)/.exec(operation)?.[1] ?? type.slice(1));
      return { name: `${type}_${operation}`, offset: Number(offset), unaligned: 8 << Number(align) < bits };
    },
  );
}

/** Rewrites wasm2c's text, given the image's accesses. Exported for its test. */
export function rewrite(text: string, accesses: readonly Access[]): string {
  const declarations = text.match(/^static (?:u32|u64|void) w2c_heliograph_\w+\(w2c_heliograph\*.*\);$/gm) ?? [];
  const data = text.match(/^static const u8 data_segment_data_\w+\[\] = \{[^}]*\};$/gm) ?? [];
  const loads = [...text.matchAll(/^ {2}LOAD_DATA\(instance->w2c_memory, (\d+)u, (\w+), (\d+)\);$/gm)];
  // A long list of parameters continues in the next line.
  const bodies =
    text.match(
      /^(?:u32|u64|void) w2c_heliograph_(?:f\d+|\w+_0)\(w2c_heliograph\* instance[^)]*\) \{\n[\s\S]*?^\}$/gm,
    ) ?? [];
  if (bodies.length === 0 || bodies.length !== declarations.length)
    throw new Error(
      `wasm2c's output is of another version: ${declarations.length} functions declared, ${bodies.length} found`,
    );
  if (data.length !== loads.length)
    throw new Error(`wasm2c's output is of another version: ${data.length} data segments, ${loads.length} loaded`);
  const fill = loads.map(([, at, name, bytes]) => `  linear_write(${at}u, ${name}, ${bytes}u);`);
  const parts = [
    '/* Made by host/board/translate.ts from the flight image. */\n#include "image.h"\n#include "memory.h"\n',
    declarations.map(renamed).join('\n'),
    data.join('\n').replaceAll('data_segment_data_w2c_heliograph', 'segment'),
    `void image_constants(void) {\n${fill.join('\n').replaceAll('data_segment_data_w2c_heliograph', 'segment')}\n}`,
    rewriteAccesses(bodies.map((body) => `${attributeOf(body)}static ${renamed(body)}`).join('\n\n'), accesses),
    wrappers(declarations),
  ];
  const out = `${parts.join('\n\n')}\n`;
  const left = /\b(instance|w2c_\w+|CALL_INDIRECT|wasm_rt_\w+)\b/.exec(out);
  if (left !== null) throw new Error(`the image uses what a board has not: ${left[0]}`);
  return out;
}

/**
 * A function with so many rotations or long products is a cipher: it has more values at once than
 * any processor here has registers.
 */
const cipherOperations = 16;

/**
 * Before registers are assigned, the compiler moves instructions apart so that none waits for the
 * one before. Where registers are short, moved values go through memory: opening a frame takes a
 * quarter more instructions on the Cortex-M7.
 */
function attributeOf(body: string): string {
  const count = (pattern: RegExp) => body.match(pattern)?.length ?? 0;
  const isCipher = Math.max(count(/I32_ROTL\(/g), count(/ var_j\d+ \*= /g)) >= cipherOperations;
  return isCipher ? '__attribute__((optimize("no-schedule-insns"))) ' : '';
}

/** Removes the instance parameter: a board has one image. */
function renamed(text: string): string {
  return text
    .replaceAll(`(${instance} instance, `, '(')
    .replaceAll(`(${instance} instance)`, '(void)')
    .replaceAll(`(${instance}, `, '(')
    .replaceAll(`(${instance})`, '(void)')
    .replaceAll('(instance, ', '(')
    .replaceAll('(instance)', '()')
    .replaceAll('&instance->w2c_memory, ', '')
    .replaceAll(prefix, 'fw_');
}

/**
 * Rewrites `i32_load_default32((u64)(x) + 52u)` to `i32_load(x, 52u)`, or to `i32_load_unaligned(x,
 * 52u)`. wasm2c keeps the order of the code, so the n-th access here is the n-th there; name and
 * offset of each are compared. Prologue and epilogue count stack depth, which is bounded statically
 * here.
 */
function rewriteAccesses(code: string, accesses: readonly Access[]): string {
  let next = 0;
  const out = code
    .replaceAll(/^ {2}FUNC_(PROLOGUE|EPILOGUE);\n/gm, '')
    .replaceAll(
      /(i\d\d_(?:load|store)\w*)_default32\(\(u64\)\((\w+)\)(?: \+ (\d+)u?)?/g,
      (_, name, base, offset = '0') => {
        const access = accesses[next];
        next += 1;
        if (access?.name !== name || access?.offset !== Number(offset))
          throw new Error(
            `access ${next} is ${name} at ${offset} in wasm2c's output, ` +
              `but ${access?.name} at ${access?.offset} in the image`,
          );
        return `${name}${access.unaligned ? '_unaligned' : ''}(${base}, ${offset}u`;
      },
    );
  if (next !== accesses.length)
    throw new Error(`the image has ${accesses.length} accesses to memory, wasm2c's output ${next}`);
  return out.replaceAll(
    tableLookup,
    (_, byte, index, at, offset) => `${byte}${index} = i32_load_entry(${index}, ${Number(at) + Number(offset)}u);`,
  );
}

/**
 * Finds table entries: a byte (masked, or shifted from the top), times four, plus a constant, is
 * the address of a word, as in a CRC. Written as an indexed load, it becomes one instruction; from
 * shifts and sums the compiler does not find it.
 */
const tableLookup = new RegExp(
  [
    String.raw`((?:(?:var_i\d+) = 255u;\n *(?:var_i\d+) &= (?:var_i\d+);`,
    String.raw`|(?:var_i\d+) = 24u;\n *(?:var_i\d+) >>= \((?:var_i\d+) & 31\);)\n *)`,
    String.raw`var_i\d+ = 2u;\n *(var_i\d+) <<= \(var_i\d+ & 31\);\n *`,
    String.raw`var_i\d+ = (\d+)u;\n *\2 \+= var_i\d+;\n *\2 = i32_load\(\2, (\d+)u\);`,
  ].join(''),
  'g',
);

/** Gives each export its plain name, as image.h declares it: exports of wasm2c end in `_0`. */
function wrappers(declarations: readonly string[]): string {
  const exported = declarations.filter((line) => /w2c_heliograph_[a-z_]+_0\(/.test(line));
  return exported
    .map((line) => {
      const [, name, list] = /w2c_heliograph_([a-z_]+)_0\(w2c_heliograph\*(?:, )?(.*)\);$/.exec(line)!;
      const count = list === '' ? 0 : list.split(', ').length;
      const names = Array.from({ length: count }, (_, index) => `p${index}`);
      const parameters = count === 0 ? 'void' : names.map((each) => `u32 ${each}`).join(', ');
      return `u32 image_${name}(${parameters}) { return fw_${name}_0(${names.join(', ')}); }`;
    })
    .join('\n');
}

/**
 * Instruments the flight image. All three passes work on the image's flat text, one instruction per
 * line, as wabt writes it: lines are inserted between the image's own, which stay unchanged.
 *
 * - `metered`: a loop that never ends traps, after the same number of turns everywhere. V8 has no
 *   fuel, and a clock would not be deterministic.
 * - `counted`: counts executed instructions.
 * - `traced`: reports which bytes of memory each call touches.
 */

/**
 * The mutable global of a metered image: turns of loops left to the present call. The call that
 * exhausts them traps.
 */
export const budgetExport = 'loop_turns_left';
/** The mutable global (i64) of a counted image. */
export const countExport = 'instructions';
/** The one import of a traced image: `touch(address, bytes)`, before the access. */
export const touchImport = { module: 'trace', name: 'touch' } as const;

/** Loads wabt when it is first needed: otherwise every command would wait for it. */
const loadWabt = async () => (await import('wabt')).default();

const features = { bulk_memory: true, mutable_globals: true, sign_extension: true };

/** Returns the lines of the image's text. */
async function flatText(image: Uint8Array): Promise<string[]> {
  const wabt = await loadWabt();
  const module = wabt.readWasm(image, { ...features, readDebugNames: false });
  try {
    module.generateNames();
    module.applyNames();
    return module.toText({ foldExprs: false, inlineExport: false }).trimEnd().split('\n');
  } finally {
    module.destroy();
  }
}

/** Assembles a module's text. */
export async function assembleText(text: string): Promise<Uint8Array> {
  const wabt = await loadWabt();
  const module = wabt.parseWat('instrumented.wat', text, features);
  try {
    return new Uint8Array(module.toBinary({ write_debug_names: false }).buffer);
  } finally {
    module.destroy();
  }
}

/**
 * Returns how many more parentheses a line opens than it closes: −1 closes a function that an
 * earlier line opened.
 */
function depthOf(line: string): number {
  let depth = 0;
  for (const character of line) depth += character === '(' ? 1 : character === ')' ? -1 : 0;
  return depth;
}

const isInstruction = (line: string) => /^\s+[a-z]/.test(line);
const operationOf = (line: string) => /^\s+([a-z0-9_.]+)/.exec(line)?.[1] ?? '';

interface Rewriting {
  /** Lines inserted after a function's locals. */
  locals?: readonly string[];
  /** Rewrites a whole body: instructions in, instructions out, without the closing parenthesis. */
  body: (instructions: readonly string[]) => string[];
  /** Fields of the module: imports go after the types, others before the end. */
  imports?: readonly string[];
  fields?: readonly string[];
}

/** Returns the text of the image with every function's body rewritten. */
function rewrite(lines: readonly string[], { locals = [], body, imports = [], fields = [] }: Rewriting): string {
  const out: string[] = [];
  let instructions: string[] | null = null;
  let importsWritten = false;
  const last = lines.length - 1;
  for (let index = 0; index < last; index += 1) {
    const line = lines[index];
    if (instructions === null) {
      const begins = /^\s+\(func /.test(line);
      if (begins && !importsWritten) {
        out.push(...imports);
        importsWritten = true;
      }
      out.push(line);
      // A function that is closed on its first line has no body to rewrite.
      if (begins && depthOf(line) === 1) instructions = [];
      continue;
    }
    if (!isInstruction(line) && instructions.length === 0) {
      out.push(line);
      if (depthOf(line) < 0)
        throw new Error(`wabt's text has an unexpected shape: a function ends with '${line.trim()}'`);
      continue;
    }
    const closes = depthOf(line) < 0;
    instructions.push(closes ? line.slice(0, -1) : line);
    if (!closes) continue;
    out.push(...locals, ...body(instructions), ')');
    instructions = null;
  }
  // The module's closing parenthesis is the last character of the last line.
  out.push(lines[last].slice(0, -1), ...fields, ')');
  return out.join('\n');
}

const countdown = [
  'global.get $loop_turns_left',
  'i32.eqz',
  'if',
  'unreachable',
  'end',
  'global.get $loop_turns_left',
  'i32.const 1',
  'i32.sub',
  'global.set $loop_turns_left',
];

/**
 * Makes every loop count its turns down, the first included; each export sets `turnsMax` anew. (To
 * set the global from outside would cost more than a short call.)
 */
export async function metered(image: Uint8Array, turnsMax: number): Promise<Uint8Array> {
  const lines = await flatText(image);
  const wrapped = lines.flatMap((line) => wrapperOf(line, lines, turnsMax));
  const kept = lines.map((line) =>
    line.replace(/\(export "(\w+)" \(func \$\w+\)\)/, (_, name) => `(export "${name}" (func $enter_${name}))`),
  );
  return assembleText(
    rewrite(kept, {
      body: (instructions) =>
        instructions.flatMap((line) => (operationOf(line) === 'loop' ? [line, ...countdown] : [line])),
      fields: [
        `(global $loop_turns_left (mut i32) (i32.const ${turnsMax}))`,
        `(export "${budgetExport}" (global $loop_turns_left))`,
        ...wrapped,
      ],
    }),
  );
}

/**
 * Returns, for the line of an exported function, a function of the same type that sets the turns
 * and calls it.
 */
function wrapperOf(line: string, lines: readonly string[], turnsMax: number): string[] {
  const found = /\(export "(\w+)" \(func (\$\w+)\)\)/.exec(line);
  if (found === null) return [];
  const [, name, target] = found;
  const head = lines.find((candidate) => candidate.trimStart().startsWith(`(func ${target} `)) ?? '';
  const parameters = head.match(/\(param \$\w+ i(?:32|64)\)/g) ?? [];
  const result = /\(result i(?:32|64)\)/.exec(head)?.[0] ?? '';
  const types = parameters.map((parameter) => parameter.replace(/\$\w+ /, ''));
  const passed = parameters.map((_, index) => `local.get ${index}`);
  return [
    `(func $enter_${name} ${types.join(' ')} ${result}`,
    ...[`i32.const ${turnsMax}`, 'global.set $loop_turns_left', ...passed, `call ${target})`],
  ];
}

/** Not counted, as in Wasmtime's fuel: they become no machine instructions. */
const free = new Set(['nop', 'drop', 'block', 'loop', 'unreachable', 'return', 'else', 'end']);
/** After these, the next line may be skipped, or reached from elsewhere. */
const breaks = new Set(['loop', 'if', 'else', 'end', 'br', 'br_if', 'br_table', 'return', 'unreachable']);
/**
 * A bulk operation counts one instruction per word, as many as the best loop of loads and stores
 * would take.
 */
const bulkBytesPerInstruction = 4;

function countedBody(instructions: readonly string[]): string[] {
  const out: string[] = [];
  let from = 0;
  const flush = (to: number) => {
    const straight = instructions.slice(from, to);
    const cost = straight.filter((line) => !free.has(operationOf(line))).length;
    if (cost > 0) out.push('global.get $instructions', `i64.const ${cost}`, 'i64.add', 'global.set $instructions');
    for (const line of straight) out.push(...bulkCount(line), line);
    from = to;
  };
  instructions.forEach((line, index) => {
    if (breaks.has(operationOf(line))) flush(index + 1);
  });
  flush(instructions.length);
  return out;
}

function bulkCount(line: string): string[] {
  if (!/^\s+memory\.(copy|fill)\b/.test(line)) return [];
  const words = [
    `i32.const ${bulkBytesPerInstruction - 1}`,
    'i32.add',
    `i32.const ${bulkBytesPerInstruction}`,
    'i32.div_u',
  ];
  return [
    'local.tee $bulk',
    ...words,
    'i64.extend_i32_u',
    'global.get $instructions',
    'i64.add',
    'global.set $instructions',
    'local.get $bulk',
  ];
}

/**
 * Counts instructions per straight piece of code; a piece that traps in its middle is counted
 * whole.
 */
export async function counted(image: Uint8Array): Promise<Uint8Array> {
  return assembleText(
    rewrite(await flatText(image), {
      locals: ['(local $bulk i32)'],
      body: countedBody,
      fields: ['(global $instructions (mut i64) (i64.const 0))', `(export "${countExport}" (global $instructions))`],
    }),
  );
}

function accessOf(line: string): { store: boolean; type: string; bytes: number; offset: number } | null {
  const found = /^\s+(i32|i64)\.(load|store)(8|16|32)?(?:_[su])?\b(.*)$/.exec(line);
  if (found === null) return null;
  const [, type, kind, bits, rest] = found;
  const bytes = Number(bits ?? type.slice(1)) / 8;
  return { store: kind === 'store', type, bytes, offset: Number(/offset=(\d+)/.exec(rest)?.[1] ?? 0) };
}

function tracedLine(line: string): string[] {
  const bulk = /^\s+memory\.(copy|fill)\b/.exec(line);
  if (bulk !== null) {
    const touchSource = bulk[1] === 'copy' ? ['local.get $from', 'local.get $bytes', 'call $touch'] : [];
    return [
      ...['local.set $bytes', 'local.set $from', 'local.tee $at', 'local.get $bytes', 'call $touch'],
      ...touchSource,
      ...['local.get $at', 'local.get $from', 'local.get $bytes', line],
    ];
  }
  const access = accessOf(line);
  if (access === null) return [line];
  const { store, type, bytes, offset } = access;
  const touch = [
    'local.tee $at',
    `i32.const ${offset}`,
    'i32.add',
    `i32.const ${bytes}`,
    'call $touch',
    'local.get $at',
  ];
  return store ? [`local.set $${type}_value`, ...touch, `local.get $${type}_value`, line] : [...touch, line];
}

/** Inserts a call of `trace.touch(address, bytes)` before each access. */
export async function traced(image: Uint8Array): Promise<Uint8Array> {
  return assembleText(
    rewrite(await flatText(image), {
      locals: [
        '(local $at i32)',
        '(local $from i32)',
        '(local $bytes i32)',
        '(local $i32_value i32)',
        '(local $i64_value i64)',
      ],
      body: (instructions) => instructions.flatMap(tracedLine),
      imports: [`(import "${touchImport.module}" "${touchImport.name}" (func $touch (param i32 i32)))`],
    }),
  );
}

/**
 * Where AssemblyScript begins its static data; lower addresses are never used. Zeroed static data
 * has no segment that would show its place.
 */
export const staticsAt = 1024;

/** Counts the mutable globals of an image: state outside its memory. A flight image has none. */
export async function mutableGlobals(image: Uint8Array): Promise<number> {
  const lines = await flatText(image);
  const segments = lines.flatMap((line) => /^\s+\(data .*?\(i32\.const (\d+)\)/.exec(line)?.[1] ?? []).map(Number);
  if (segments.some((at) => at < staticsAt))
    throw new Error(`the image has static data below ${staticsAt}: another compiler made it`);
  return lines.filter((line) => /^\s+\(global .*\(mut /.test(line)).length;
}

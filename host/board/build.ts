/** `board build` (BRD-1): the flight image through wasm2c and a cross compiler to ELF, raw binary, Intel HEX and map. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imagePath, rootFolder } from '../build/root.ts';
import { loadV8Engine } from '../engine/v8.ts';
import { filesBelow, stampOf } from '../build/paths.mjs';
import { type BoardSizes, readSizes } from './sizes.ts';
import { boardFolder, nonVolatileBytes, nonVolatileOffset, type Target, type TargetName, targets } from './targets.ts';
import { requireCompiler, runTool } from './toolchain.ts';
import { translateImage } from './translate.ts';

export interface BoardBuild {
  readonly target: Target;
  /** Paths of what was made. */
  readonly elf: string;
  readonly binary: string;
  readonly hex: string;
  readonly map: string;
  readonly sizes: BoardSizes;
}

export interface BuildOptions {
  /** Exact bounds checks in front of every access to linear memory. */
  readonly checked?: boolean;
  /** Build although nothing changed. */
  readonly force?: boolean;
}

const presetNumbers = { flight: 1, compact: 2, tiny: 3 } as const;
/** Buffers of loop.c between the image's static data and the context, and the checkpoint's header. */
const loopBufferBytes = 256 + 256 + 1024 + 16;
const linearRegister: Record<string, string> = { cortexm: 'r9', riscv: 's11', leon3: 'g7' };

/** Builds one target into dist/boards/<target>/ unless it is there already. Throws ToolError when a tool is missing or refuses. */
export async function buildBoard(name: TargetName, options: BuildOptions = {}): Promise<BoardBuild> {
  const target = targets[name];
  const folder = boardFolder(target);
  const at = (file: string) => join(folder, file);
  const stamp = boardStamp(target, options);
  const files = { elf: at('heliograph.elf'), binary: at('heliograph.bin'), hex: at('heliograph.hex'), map: at('heliograph.map') };
  const isFresh = existsSync(at('stamp')) && readFileSync(at('stamp'), 'utf8') === stamp && existsSync(files.elf);
  if (!isFresh || options.force === true) {
    requireCompiler(target);
    mkdirSync(folder, { recursive: true });
    writeFileSync(at('image.c'), translateImage(imagePath(target.preset)));
    await compile(target, folder, options);
    await runTool(`${target.compiler}objcopy`, ['-O', 'binary', files.elf, files.binary], folder);
    await runTool(`${target.compiler}objcopy`, ['-O', 'ihex', files.elf, files.hex], folder);
    writeFileSync(at('stamp'), stamp);
  }
  return { target, ...files, sizes: readSizes(target, files.elf) };
}

/** The sources of a board: what all share, and its own drivers. */
export function boardSources(target: Target): string[] {
  const folders = ['image', 'loop', target.drivers].map((folder) => `firmware/boards/${folder}`);
  return folders.flatMap((folder) => filesBelow(folder, ['.c', '.S']));
}

function boardStamp(target: Target, options: BuildOptions): string {
  const sources = filesBelow('firmware/boards', ['.c', '.h', '.S', '.ld']);
  const own = filesBelow('host/board', ['.ts']);
  const image = createHash('sha256')
    .update(readFileSync(imagePath(target.preset)))
    .digest('hex');
  return `${stampOf([...sources, ...own])} ${image} checked=${options.checked === true}`;
}

/** What the C sources are told about target and image. */
function definitions(target: Target, options: BuildOptions): string[] {
  const engine = loadV8Engine(target.preset);
  const linearBytes = Math.ceil((engine.calls.memory_base() + loopBufferBytes + engine.image.contextBytes) / 32) * 32;
  if (linearBytes > target.budget.linearBytes)
    throw new Error(`${target.name}: ${linearBytes} bytes of linear memory exceed the budget of ${target.budget.linearBytes}`);
  const values = {
    LINEAR_BYTES: linearBytes,
    LINEAR_CHECKED: options.checked === false ? 0 : 1,
    BIG_ENDIAN_TARGET: target.bigEndian ? 1 : 0,
    TARGET_ID: target.id,
    IMAGE_ID: `0x${engine.image.sha256.slice(0, 8)}u`,
    IMAGE_PRESET: presetNumbers[target.preset],
    NONVOLATILE_ADDRESS: `0x${(target.ramAddress + nonVolatileOffset).toString(16)}u`,
    NONVOLATILE_BYTES: `${nonVolatileBytes}u`,
  };
  return Object.entries(values).map(([key, value]) => `-D${key}=${value}`);
}

/** Flags shared by all targets: freestanding, no surprises from the optimiser about floats or library calls, and the stack's use told per function. */
function flagsOf(target: Target): string[] {
  return [
    ...target.compilerFlags,
    ...['-std=gnu11', '-O2', '-g0', '-ffreestanding', '-ffunction-sections', '-fno-common', '-fno-pic'],
    ...['-ffp-contract=off', '-fno-tree-loop-distribute-patterns', '-fno-asynchronous-unwind-tables', '-fno-stack-protector'],
    ...['-fstack-usage', '-fcallgraph-info=su', `-ffixed-${linearRegister[target.drivers]}`],
    ...['-Wall', '-Wextra', '-Werror', '-Wshadow', '-Wundef', '-Wstrict-prototypes'],
    ...['image', 'loop', '.'].map((folder) => `-I${join(rootFolder, 'firmware/boards', folder)}`),
  ];
}

async function compile(target: Target, folder: string, options: BuildOptions): Promise<void> {
  const gcc = `${target.compiler}gcc`;
  const flags = [...flagsOf(target), ...definitions(target, options)];
  const objects: string[] = [];
  const add = async (source: string, extra: readonly string[] = []) => {
    const object = `${source
      .split('/')
      .pop()!
      .replace(/\.[cS]$/, '')}-${objects.length}.o`;
    objects.push(object);
    await runTool(gcc, [...flags, ...extra, '-c', source, '-o', object], folder);
  };
  // Translated code declares variables that a function may not need.
  await add(join(folder, 'image.c'), ['-Wno-unused-variable', '-Wno-unused-but-set-variable']);
  for (const source of boardSources(target)) await add(join(rootFolder, source));
  const script = join(rootFolder, 'firmware/boards', target.linkerScript);
  await runTool(
    gcc,
    [
      ...target.compilerFlags,
      ...[
        '-nostdlib',
        '-nostartfiles',
        '-static',
        '-no-pie',
        '-Wl,--gc-sections',
        '-Wl,--build-id=none',
        '-Wl,--no-warn-rwx-segments',
      ],
      ...[`-Wl,-L${join(rootFolder, 'firmware/boards')}`, `-Wl,-T${script}`, '-Wl,-Map=heliograph.map'],
      ...objects,
      ...['-o', 'heliograph.elf'],
    ],
    folder,
  );
}

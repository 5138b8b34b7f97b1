/**
 * Builds the flight image for a board (BRD-1, `board build`): wasm2c and a cross compiler make ELF,
 * raw binary, Intel HEX and map.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imagePath, rootFolder } from '../build/root.ts';
import { crc32c } from '../cbor/crc32c.ts';
import { loadV8Engine } from '../engine/v8.ts';
import { filesBelow, stampOf } from '../build/paths.mjs';
import { readElf } from './elf.ts';
import { type BoardSizes, readSizes } from './sizes.ts';
import { boardFolder, nonVolatileBytes, type Target, type TargetName, targets } from './targets.ts';
import { compilerOf, requireTools, runTool } from './toolchain.ts';
import { translateImage } from './translate.ts';
import { BOARD_CONFIG_BYTES_MAX, CHECKPOINT_HEADER_BYTES, PRESET } from '../cbor/generated.ts';

export interface BoardBuild {
  readonly target: Target;
  /** Paths of the files that were made. */
  readonly elf: string;
  readonly binary: string;
  readonly hex: string;
  readonly map: string;
  readonly sizes: BoardSizes;
}

export interface BuildOptions {
  /**
   * Exact bounds checks before every access to linear memory, or none. Default: where the processor
   * does not protect memory.
   */
  readonly checked?: boolean;
  /** Build although nothing changed. */
  readonly force?: boolean;
  /** Bytes of linear memory of a program that holds another module than the flight image. */
  readonly linearBytes?: number;
}

/**
 * Bytes that loop.c puts between the image's static data and the context: the configuration's
 * buffer, which holds frames and records as well, and the checkpoint's header.
 */
export const loopBufferBytes = BOARD_CONFIG_BYTES_MAX + CHECKPOINT_HEADER_BYTES;

/** Builds one target for its emulated machine. */
export function buildBoard(name: TargetName, options: BuildOptions = {}): Promise<BoardBuild> {
  return buildTarget(targets[name], options);
}

/**
 * Builds into the target's folder below dist/boards/ unless the program is there already. Throws
 * ToolError when a tool is missing or fails.
 */
export async function buildTarget(target: Target, options: BuildOptions = {}): Promise<BoardBuild> {
  const folder = boardFolder(target);
  const at = (file: string) => join(folder, file);
  const stamp = boardStamp(target, options);
  const files = {
    elf: at('heliograph.elf'),
    binary: at('heliograph.bin'),
    hex: at('heliograph.hex'),
    map: at('heliograph.map'),
  };
  if (!isBuilt(target, options)) {
    if (loadV8Engine(target.variant ?? target.preset).image.isCipherNull)
      throw new Error(`${target.name}: this image has the null cipher, which is for simulations: no board flies it`);
    requireTools([compilerOf(target)]);
    mkdirSync(folder, { recursive: true });
    writeFileSync(at('image.c'), translateImage(imagePath(target.variant ?? target.preset)));
    await compileProgram(target, folder, boardSources(target), options);
    sealCode(target, files.elf);
    await runTool(`${target.compiler}objcopy`, ['-O', 'binary', files.elf, files.binary], folder);
    await runTool(`${target.compiler}objcopy`, ['-O', 'ihex', files.elf, files.hex], folder);
    writeFileSync(at('stamp'), stamp);
  }
  return { target, ...files, sizes: readSizes(target, files.elf) };
}

/**
 * True when the target's folder holds what the present sources give, and `force` does not ask for
 * it anew.
 */
export function isBuilt(target: Target, options: BuildOptions = {}): boolean {
  const at = (file: string) => join(boardFolder(target), file);
  if (options.force === true || !existsSync(at('stamp')) || !existsSync(at('heliograph.elf'))) return false;
  return readFileSync(at('stamp'), 'utf8') === boardStamp(target, options);
}

/**
 * Writes the CRC-32C of code and constants, from `code_begin` to `code_end`, to `code_checksum`
 * behind them: the board compares itself with it (firmware/boards/loop/code.c). Throws when the
 * program lacks one of these symbols.
 */
export function sealCode(target: Target, path: string): void {
  const bytes = readFileSync(path);
  const { sections, symbols } = readElf(bytes);
  const fileOffset = (name: string) => {
    const address = symbols.get(name);
    const section = sections.find(
      (each) => address !== undefined && address >= each.address && address < each.address + each.bytes,
    );
    if (address === undefined || section === undefined)
      throw new Error(`${target.name}: the program has no '${name}' in any section: has its linker script changed?`);
    return section.offset + address - section.address;
  };
  const [begin, end, checksum] = ['code_begin', 'code_end', 'code_checksum'].map(fileOffset);
  const crc = crc32c(bytes, begin, end);
  if (target.bigEndian) bytes.writeUInt32BE(crc, checksum);
  else bytes.writeUInt32LE(crc, checksum);
  writeFileSync(path, bytes);
}

/** The sources of a board: those that all share, and its own drivers. */
export function boardSources(target: Target): string[] {
  const folders = ['image', 'loop', ...target.drivers].map((folder) => `firmware/boards/${folder}`);
  return folders.flatMap((folder) => filesBelow(folder, ['.c', '.S']));
}

/**
 * A digest of everything that goes into a program of this target; `others` are sources besides
 * firmware/boards.
 */
export function boardStamp(target: Target, options: BuildOptions, others: readonly string[] = []): string {
  const sources = [...filesBelow('firmware/boards', ['.c', '.h', '.S', '.ld']), ...others];
  const own = filesBelow('host/board', ['.ts']);
  const image = createHash('sha256')
    .update(readFileSync(imagePath(target.variant ?? target.preset)))
    .digest('hex');
  return `${stampOf([...sources, ...own])} ${image} checked=${isChecked(target, options)}`;
}

function isChecked(target: Target, options: BuildOptions): boolean {
  return options.checked ?? !target.protectsMemory;
}

/** Macros that describe target and image to the C sources. */
function definitions(target: Target, options: BuildOptions): string[] {
  const engine = loadV8Engine(target.variant ?? target.preset);
  const ofImage = Math.ceil((engine.calls.memory_base() + loopBufferBytes + engine.image.contextBytes) / 32) * 32;
  const linearBytes = options.linearBytes ?? ofImage;
  if (linearBytes > target.budget.linearBytes)
    throw new Error(
      `${target.name}: ${linearBytes} bytes of linear memory exceed the budget of ${target.budget.linearBytes}`,
    );
  const values = {
    LINEAR_BYTES: linearBytes,
    LINEAR_CHECKED: isChecked(target, options) ? 1 : 0,
    FLASH_BYTES: `${target.flashBytes}u`,
    BIG_ENDIAN_TARGET: target.bigEndian ? 1 : 0,
    TARGET_ID: target.id,
    IMAGE_ID: `0x${engine.image.sha256.slice(0, 8)}u`,
    IMAGE_PRESET: PRESET[target.preset],
    NONVOLATILE_ADDRESS: `0x${target.nonVolatileAddress.toString(16)}u`,
    NONVOLATILE_BYTES: `${nonVolatileBytes}u`,
  };
  return Object.entries(values).map(([key, value]) => `-D${key}=${value}`);
}

/**
 * Compiler flags shared by all targets: freestanding, no assumptions of the optimiser about floats
 * or library calls, and a report of every function's stack use.
 */
function flagsOf(target: Target): string[] {
  return [
    ...target.compilerFlags,
    ...['-std=gnu11', '-O2', '-g0', '-ffreestanding', '-ffunction-sections', '-fno-common', '-fno-pic'],
    ...[
      '-ffp-contract=off',
      '-fno-tree-loop-distribute-patterns',
      '-fno-asynchronous-unwind-tables',
      '-fno-stack-protector',
    ],
    // Equal functions are not folded: each stands in the call graph under its own name
    // (callgraph.ts).
    ...['-fno-ipa-icf', '-fstack-usage', '-fcallgraph-info=su', `-ffixed-${target.linearRegister}`],
    ...['-Wall', '-Wextra', '-Werror', '-Wshadow', '-Wundef', '-Wstrict-prototypes'],
    ...['image', 'loop', '.'].map((folder) => `-I${join(rootFolder, 'firmware/boards', folder)}`),
  ];
}

const objectsFolder = join(rootFolder, 'dist/objects');
/** An object, and the reports that gcc writes beside it (flagsOf). */
const imageFiles = ['image-0.o', 'image-0.su', 'image-0.ci'];

/**
 * Compiles folder/image.c, which takes most of a build's time, unless the same text was compiled
 * with the same flags: many programs hold one image (emulated board, real board, runners that
 * count). Returns the object's name.
 */
async function compileImage(
  target: Target,
  folder: string,
  flags: readonly string[],
  { force }: BuildOptions,
): Promise<string> {
  const gcc = `${target.compiler}gcc`;
  const source = join(folder, 'image.c');
  // Translated code declares variables that a function may not need.
  const words = [...flags, '-Wno-unused-variable', '-Wno-unused-but-set-variable', source];
  const text = await runTool(gcc, [...words, '-E', '-P'], folder);
  const version = await runTool(gcc, ['-dumpfullversion'], folder);
  const mark = createHash('sha256')
    .update([gcc, version, ...flagsOf(target), text].join('\0'))
    .digest('hex')
    .slice(0, 16);
  const kept = join(objectsFolder, `${target.name}-${mark}`);
  if (force !== true && existsSync(kept)) {
    for (const file of imageFiles) copyFileSync(join(kept, file), join(folder, file));
    return imageFiles[0];
  }
  await runTool(gcc, [...words, '-c', '-o', imageFiles[0]], folder);
  const aside = `${kept}.${process.pid}`;
  mkdirSync(aside, { recursive: true });
  for (const file of imageFiles) copyFileSync(join(folder, file), join(aside, file));
  try {
    renameSync(aside, kept);
  } catch (error) {
    // Another process was first, with the same object.
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(kept)) throw error;
  }
  return imageFiles[0];
}

/** Compiles folder/image.c and `sources`, and links them to folder/heliograph.elf. */
export async function compileProgram(
  target: Target,
  folder: string,
  sources: readonly string[],
  options: BuildOptions,
  extraFlags: readonly string[] = [],
): Promise<void> {
  const gcc = `${target.compiler}gcc`;
  const flags = [...flagsOf(target), ...definitions(target, options), ...extraFlags];
  const objects: string[] = [];
  const add = async (source: string, extra: readonly string[] = []) => {
    const object = `${source
      .split('/')
      .pop()!
      .replace(/\.[cS]$/, '')}-${objects.length}.o`;
    objects.push(object);
    await runTool(gcc, [...flags, ...extra, '-c', source, '-o', object], folder);
  };
  objects.push(await compileImage(target, folder, flags, options));
  for (const source of sources) await add(join(rootFolder, source));
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

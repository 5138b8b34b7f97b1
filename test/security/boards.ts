// The cipher alone as machine code of the boards' processors, run in the emulator under the
// counting plugin: same bytes, and what it costs in instructions.

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boardSources, compileProgram } from '../../host/board/build.ts';
import { readElf } from '../../host/board/elf.ts';
import { emulatedRamBytes, emulatorArguments, type Target } from '../../host/board/targets.ts';
import { translateImage } from '../../host/board/translate.ts';
import {
  type CallCount,
  countArguments,
  markedOps,
  readCounts,
  readTrace,
} from '../../hwsim/emulator/plugin/plugin.ts';
import { frame, sealByNode, wordsOf } from './cases.ts';
import { type Compiled, compileEntry } from './compile.ts';
import { CIPHER_OP } from '../../hwsim/bench/generated_harness.ts';

const casesOffset = 10 << 20;
const headBytes = 16;
const [keyBytes, aadBytes, textBytes] = [32, 128, 512];
const wordsBytes = 8 * 4;
/** Enough for the cipher's scratch and the buffers of runner.c. */
const linearBytes = 8192;
const caseBytes = wordsBytes + keyBytes + aadBytes + 2 * textBytes;
/** No call comes near it. */
const hangInstructions = 1_000_000;

/**
 * `text` is what goes in: ciphertext and tag to be opened. `shift`: bytes off an alignment by 16.
 */
export interface BoardCase {
  operation: 'seal' | 'open';
  key: Uint8Array;
  nonce: Uint8Array;
  aad: Uint8Array;
  text: Uint8Array;
  length: number;
  shift: number;
}

export interface BoardResult {
  /** Of `open`: 1 if genuine. */
  result: number;
  out: Uint8Array;
  count: CallCount;
  /** Addresses of all instructions executed, one after the other. */
  trace: Uint32Array;
}

const parameters =
  'key: usize, a: u32, b: u32, c: u32, aad: usize, aadLength: u32, text: usize, length: u32, out: usize';
/** Wrapped, as an export of a board's image gives a word. */
const entry = `import { seal as sealed, open as opened } from "./firmware/security/cipher";
export function seal(${parameters}): u32 {
  sealed(key, a, b, c, aad, aadLength, text, length, out);
  return 0;
}
export function open(${parameters}): u32 {
  return opened(key, a, b, c, aad, aadLength, text, length, out) ? 1 : 0;
}
export function memory_base(): usize { return __heap_base; }`;

let compiled: Promise<Compiled> | undefined;

async function build(given: Target, folder: string): Promise<string> {
  // The cipher alone is built here, with memory of its own: whether the whole image keeps to its
  // budget is for the image's build to say.
  const target = { ...given, budget: { ...given.budget, linearBytes: given.ramBytes } };
  compiled ??= compileEntry(entry);
  const { wasm } = await compiled;
  const image = join(folder, 'cipher.wasm');
  writeFileSync(image, wasm);
  writeFileSync(join(folder, 'image.c'), translateImage(image));
  const address = `0x${(target.ramAddress + casesOffset).toString(16)}u`;
  const sources = boardSources(target).filter((source) => !source.includes('/loop/'));
  await compileProgram(target, folder, [...sources, 'test/security/runner.c'], {}, [
    ...[`-DCASES_ADDRESS=${address}`, '-ULINEAR_BYTES', `-DLINEAR_BYTES=${linearBytes}`],
  ]);
  return join(folder, 'heliograph.elf');
}

function write(cases: readonly BoardCase[], bigEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(headBytes + cases.length * caseBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, cases.length, !bigEndian);
  cases.forEach(({ operation, key, nonce, aad, text, length, shift }, index) => {
    const at = headBytes + index * caseBytes;
    const words = [CIPHER_OP[operation], 0, shift, ...wordsOf(nonce), aad.length, length];
    for (const [place, word] of words.entries()) view.setUint32(at + 4 * place, word, !bigEndian);
    bytes.set(key, at + wordsBytes);
    bytes.set(aad, at + wordsBytes + keyBytes);
    bytes.set(text, at + wordsBytes + keyBytes + aadBytes);
  });
  return bytes;
}

/**
 * Builds the cipher for a target and works the cases off there. Throws when compiler or emulator
 * fail, or a call traps.
 */
export async function runOnBoard(target: Target, cases: readonly BoardCase[]): Promise<BoardResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-cipher-'));
  try {
    const path = await build(target, folder);
    const elf = readElf(readFileSync(path));
    const memory = write(cases, target.bigEndian);
    const ram = join(folder, 'ram');
    const file = openSync(ram, 'w+');
    ftruncateSync(file, emulatedRamBytes);
    writeSync(file, memory, 0, memory.length, casesOffset);
    const out = join(folder, 'counts');
    const machine = emulatorArguments(target, path, ram);
    const traces = join(folder, 'traces');
    const trace = { path: traces, from: 0, calls: cases.length };
    const counting = countArguments(elf, { out, over: 'runner_over', limit: hangInstructions, trace });
    const words = [...machine.slice(0, machine.indexOf('-icount')), '-serial', 'none', ...counting];
    const run = spawnSync(target.emulator, words, { encoding: 'utf8', timeout: 120_000 });
    if (run.status !== 0)
      throw new Error(`${target.emulator} ended with ${run.status}: ${run.stderr || run.error?.message}`);
    readSync(file, memory, 0, memory.length, casesOffset);
    closeSync(file);
    const counts = readCounts(readFileSync(out), markedOps(elf));
    return read(memory, target, cases, counts, readTrace(readFileSync(traces)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(
  memory: Uint8Array,
  target: Target,
  cases: readonly BoardCase[],
  counts: readonly CallCount[],
  traces: readonly Uint32Array[],
): BoardResult[] {
  const view = new DataView(memory.buffer);
  const word = (at: number) => view.getUint32(at, !target.bigEndian);
  if (word(4) !== cases.length)
    throw new Error(`${target.name}: ${word(4)} of ${cases.length} cases done, trap ${word(8)}`);
  return cases.map((_, index) => {
    const at = headBytes + index * caseBytes;
    const outAt = at + caseBytes - textBytes;
    return {
      result: word(at + 4),
      out: memory.slice(outAt, outAt + textBytes),
      count: counts[index],
      trace: traces[index],
    };
  });
}

const sealedFrame = sealByNode(frame);
const forgedFrame = sealedFrame.slice();
forgedFrame[0] ^= 1;
/**
 * The frame of 200 bytes sealed, opened and, altered, refused; at an odd address, as text follows a
 * header.
 */
export const frameCases: BoardCase[] = [
  { ...frame, operation: 'seal', length: frame.text.length, shift: 1 },
  { ...frame, operation: 'open', text: sealedFrame, length: frame.text.length, shift: 1 },
  { ...frame, operation: 'open', text: forgedFrame, length: frame.text.length, shift: 1 },
];

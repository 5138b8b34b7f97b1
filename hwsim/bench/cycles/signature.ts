/** Measures signatures on flight processors: dist/signature.wasm as C, counted in the emulator. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CallCount, countArguments, markedOps, readCounts, readTrace } from '../../emulator/plugin/plugin.ts';
import { boardSources, boardStamp, compileProgram } from '../../../host/board/build.ts';
import { callGraphOf, deepestFrom, problemsOf } from '../../../host/board/callgraph.ts';
import { type Elf, readElf } from '../../../host/board/elf.ts';
import { translateSignature } from '../../../host/board/signature.ts';
import { emulatedRamBytes, emulatorArguments, type Target } from '../../../host/board/targets.ts';
import { filesBelow } from '../../../host/build/paths.mjs';
import { rootFolder } from '../../../host/build/root.ts';
import { instantiateSignature, nodeSignatures, signatureModulePath } from '../../../host/security/signature.ts';
import { SIGNED_BYTES_MAX } from '../../../host/cbor/generated.ts';
import { SIGNATURE_OP } from '../generated_harness.ts';

const runnerFolder = 'test/signature_board';
const scriptOffset = 10 << 20;
const headBytes = 16;
/** Layout of a call in test/signature_board/runner.c. */
const place = { seed: 0, key: 32, signature: 64, message: 128 };
const bufferBytes = place.message + SIGNED_BYTES_MAX;
const ops = { verify: SIGNATURE_OP.verify, sign: SIGNATURE_OP.sign, public_key: SIGNATURE_OP.publicKey } as const;
export type SignatureOp = keyof typeof ops;

export interface SignatureRunner {
  target: Target;
  path: string;
  folder: string;
  elf: Elf;
  /** The module's own linear memory, buffers for the longest message included. */
  linearBytes: number;
}

/**
 * Builds the runner into dist/native_baseline/signature-<target>-<mark>/ unless it is there
 * already.
 */
export async function buildSignatureRunner(target: Target): Promise<SignatureRunner> {
  const linearBytes = Math.ceil((instantiateSignature().memory_base() + bufferBytes) / 32) * 32;
  const own = [
    ...filesBelow(runnerFolder, ['.c']),
    'test/native_baseline/harness.h',
    'hwsim/bench/cycles/signature.ts',
  ];
  const moduleHash = createHash('sha256').update(readFileSync(signatureModulePath)).digest('hex');
  const stamp = `${boardStamp(target, {}, own)} ${moduleHash}`;
  const mark = createHash('sha256').update(stamp).digest('hex').slice(0, 16);
  const folder = join(rootFolder, 'dist/native_baseline', `signature-${target.name}-${mark}`);
  if (!existsSync(folder)) {
    const aside = `${folder}.${process.pid}`;
    mkdirSync(aside, { recursive: true });
    writeFileSync(join(aside, 'image.c'), translateSignature());
    const shared = boardSources(target).filter((source) => !source.includes('/loop/'));
    const flags = [
      `-DSCRIPT_ADDRESS=0x${(target.ramAddress + scriptOffset).toString(16)}u`,
      `-I${join(rootFolder, 'firmware/boards/signature')}`,
    ];
    const sources = own.filter((source) => source.endsWith('.c'));
    await compileProgram(target, aside, [...shared, ...sources], { linearBytes }, flags);
    // Another process may have been first.
    if (existsSync(folder)) rmSync(aside, { recursive: true, force: true });
    else renameSync(aside, folder);
  }
  const path = join(folder, 'heliograph.elf');
  return { target, path, folder, elf: readElf(readFileSync(path)), linearBytes };
}

export interface SignatureCall {
  op: SignatureOp;
  seed?: Uint8Array;
  publicKey?: Uint8Array;
  signature?: Uint8Array;
  message?: Uint8Array;
}

export interface SignatureResult {
  result: number;
  publicKey: Uint8Array;
  signature: Uint8Array;
  count: CallCount;
  /** Addresses of the instructions executed, when a trace was asked for. */
  trace?: Uint32Array;
}

/** Makes the calls on the emulated board. Throws when one traps. */
export function runSignatures(
  runner: SignatureRunner,
  calls: readonly SignatureCall[],
  traced = false,
): SignatureResult[] {
  const { target, elf, path } = runner;
  const stride = headBytes + bufferBytes;
  const text = Buffer.alloc(headBytes + calls.length * stride);
  const word = (at: number) => (target.bigEndian ? text.readUInt32BE(at) : text.readUInt32LE(at));
  const setWord = (at: number, value: number) =>
    target.bigEndian ? text.writeUInt32BE(value, at) : text.writeUInt32LE(value, at);
  setWord(0, calls.length);
  calls.forEach(({ op, seed, publicKey, signature, message }, index) => {
    const at = headBytes + index * stride;
    setWord(at, ops[op]);
    setWord(at + 4, message?.length ?? 0);
    const set = (bytes: Uint8Array | undefined, where: number) => bytes && text.set(bytes, at + headBytes + where);
    set(seed, place.seed);
    set(publicKey, place.key);
    set(signature, place.signature);
    set(message, place.message);
  });
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-signature-'));
  try {
    const at = (name: string) => join(folder, name);
    writeFileSync(at('ram'), Buffer.concat([Buffer.alloc(scriptOffset), text]));
    truncateSync(at('ram'), emulatedRamBytes);
    const trace = traced ? { path: at('trace'), from: 0, calls: calls.length } : undefined;
    const count = countArguments(elf, { out: at('counts'), over: 'runner_over', trace });
    const machine = emulatorArguments(target, path, at('ram'));
    const words = [...machine.slice(0, machine.indexOf('-icount')), '-serial', 'none', ...count];
    const run = spawnSync(target.emulator, words, { encoding: 'utf8' });
    if (run.status !== 0)
      throw new Error(`${target.emulator} ended with ${run.status}: ${run.stderr || run.error?.message}`);
    readFileSync(at('ram')).copy(text, 0, scriptOffset, scriptOffset + text.length);
    if (word(8) !== 0)
      throw new Error(`${target.name}: call ${word(4)} of ${calls.length} trapped for reason ${word(8)}`);
    const counts = readCounts(readFileSync(at('counts')), markedOps(elf));
    const traces = traced ? readTrace(readFileSync(at('trace'))) : [];
    return calls.map((_, index) => {
      const call = headBytes + index * stride;
      const bytes = (where: number, length: number) =>
        text.subarray(call + headBytes + where, call + headBytes + where + length);
      return {
        ...{ result: word(call + 8), publicKey: bytes(place.key, 32), signature: bytes(place.signature, 64) },
        ...{ count: counts[index], trace: traces[index] },
      };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface SignatureCost {
  ops: { op: string; instructions: number; worst: number }[];
  /**
   * Deepest path below the exported functions, bytes; the processor's exceptions are not counted.
   */
  stackBytes: number;
  codeBytes: number;
  linearBytes: number;
}

/**
 * Message length of the table's figures: an intent of at most 120 bytes and what COSE adds, with a
 * margin.
 */
export const measuredMessageBytes = 200;
const cases = 16;

/** Draws bytes that are the same in every run. */
export const drawn = (what: string, bytes: number): Uint8Array =>
  new Uint8Array(createHash('shake256', { outputLength: bytes }).update(what).digest());

/**
 * Makes the calls that are counted: valid signatures, because an invalid one costs as much or less.
 */
function measuredCalls(count = cases, messageBytes = measuredMessageBytes): SignatureCall[] {
  return Array.from({ length: count }, (_, index) => {
    const seed = drawn(`seed ${index}`, 32);
    const message = drawn(`message ${index}`, messageBytes);
    const publicKey = nodeSignatures.publicKey(seed);
    const both = { seed, publicKey, message };
    const signature = nodeSignatures.sign(seed, message);
    return [
      { op: 'public_key' as const, seed },
      { op: 'sign' as const, ...both },
      { op: 'verify' as const, ...both, signature },
    ];
  }).flat();
}

/** Measures one target. Throws when a result differs from node:crypto's. */
export async function measureSignatures(target: Target, messageBytes = measuredMessageBytes): Promise<SignatureCost> {
  const runner = await buildSignatureRunner(target);
  const calls = measuredCalls(cases, messageBytes);
  const results = runSignatures(runner, calls);
  results.forEach(({ result, publicKey, signature }, index) => {
    const { op, seed, message } = calls[index];
    const right =
      op === 'verify' ||
      (op === 'sign'
        ? Buffer.from(signature).equals(nodeSignatures.sign(seed!, message!))
        : Buffer.from(publicKey).equals(nodeSignatures.publicKey(seed!)));
    if (!right || result === 0) throw new Error(`${target.name}: call ${index}, ${op}, differs from node:crypto`);
  });
  const graph = callGraphOf(runner.folder);
  if (problemsOf(graph, ['board_abandon']).length > 0) throw new Error(`${target.name}: the stack has no static bound`);
  const exported = ['signature_verify', 'signature_sign', 'signature_public_key'];
  const object = readElf(readFileSync(join(runner.folder, 'image-0.o')));
  const inFlash = object.sections.filter(({ name }) => /^\.(text|rodata)/.test(name));
  return {
    ops: ['verify', 'sign', 'public_key'].map((op) => {
      const counts = results
        .map(({ count }) => count)
        .filter((count) => count.op === op)
        .map(({ instructions }) => instructions);
      const sorted = counts.sort((a, b) => a - b);
      return { op: `signature.${op}`, instructions: sorted[sorted.length >> 1], worst: sorted[sorted.length - 1] };
    }),
    stackBytes: Math.max(...exported.map((name) => deepestFrom(graph, name).bytes)),
    codeBytes: inFlash.reduce((sum, { bytes }) => sum + bytes, 0),
    linearBytes: runner.linearBytes,
  };
}

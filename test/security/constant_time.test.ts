/**
 * That signing does the same steps at the same addresses whatever the seed: every load and store of
 * the module is recorded by an instrumented copy of it, and what a Cortex-M7 executes stands in
 * test/board/signature.test.ts. That a multiplication of 32 bits takes the same time for all
 * operands is so on the Cortex-M4 (one cycle, by its manual) and assumed of the other parts: an
 * emulator cannot show it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import binaryen from 'assemblyscript/binaryen';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawn } from '../../hwsim/bench/cycles/signature.ts';
import { nodeSignatures, type SignatureCalls, signatureModulePath } from '../../host/security/signature.ts';

const module = binaryen.readBinary(readFileSync(signatureModulePath));
module.runPasses(['instrument-memory']);
const instrumented = new WebAssembly.Module(module.emitBinary() as Uint8Array<ArrayBuffer>);
module.dispose();

let hash = createHash('sha256');
let steps = 0;
let words: number[] = [];
function record(...step: number[]): void {
  steps += 1;
  words.push(...step);
  if (words.length < 65536) return;
  hash.update(Uint32Array.from(words));
  words = [];
}

/** Imports of the instrumented module: places are recorded, values are passed through. */
const imports = Object.fromEntries(
  WebAssembly.Module.imports(instrumented).map(({ name }) => {
    const isPlace = name === 'load_ptr' || name === 'store_ptr';
    const place = (site: number, bytes: number, offset: number, address: number) => {
      record(site, bytes, offset, address);
      return address;
    };
    return [name, isPlace ? place : (_site: number, value: unknown) => value];
  }),
);
const instance = new WebAssembly.Instance(instrumented, { env: imports });
const calls = instance.exports as unknown as SignatureCalls;
const memory = new Uint8Array(calls.memory.buffer);
const at = calls.memory_base();

/** What a call did, as a hash over its accesses in order, and how many they were. */
function trace(work: () => number): string {
  hash = createHash('sha256');
  words = [];
  steps = 0;
  assert.ok(work() > 0);
  hash.update(Uint32Array.from(words));
  return `${steps} ${hash.digest('hex')}`;
}

function signing(seed: Uint8Array, message: Uint8Array): string {
  memory.set(seed, at);
  memory.set(nodeSignatures.publicKey(seed), at + 32);
  memory.set(message, at + 128);
  const recorded = trace(() => calls.sign(at, at + 32, at + 128, message.length, at + 64));
  assert.equal(memory.slice(at + 64, at + 128), nodeSignatures.sign(seed, message));
  return recorded;
}

const seeds = [
  new Uint8Array(32),
  new Uint8Array(32).fill(255),
  ...Array.from({ length: 10 }, (_, i) => drawn(`seed ${i}`, 32)),
];

test('signing accesses the same addresses in the same order for any seed and message', () => {
  const traces = new Set(seeds.map((seed, index) => signing(seed, drawn(`message ${index}`, 200))));
  assert.is(traces.size, 1);
  assert.ok(Number([...traces][0].split(' ')[0]) > 10_000);
});

test('making a public key accesses the same addresses in the same order for any seed', () => {
  const key = (seed: Uint8Array) => {
    memory.set(seed, at);
    return trace(() => calls.public_key(at, at + 32));
  };
  assert.is(new Set(seeds.map(key)).size, 1);
});

test('verification and messages of another length access other addresses, and that is detected', () => {
  const verifying = (seed: Uint8Array) => {
    const message = drawn('message', 200);
    memory.set(nodeSignatures.publicKey(seed), at + 32);
    memory.set(message, at + 128);
    memory.set(nodeSignatures.sign(seed, message), at + 64);
    return trace(() => calls.verify(at + 32, at + 128, 200, at + 64));
  };
  assert.is(new Set(seeds.map(verifying)).size, seeds.length);
  assert.is.not(signing(seeds[0], new Uint8Array(100)), signing(seeds[0], new Uint8Array(300)));
});

test.run();

// RAD-1: what the code of a line corrects and detects, by exhaustion.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { codeOf as codeByDefinition } from './watch.ts';

const test = suite('radiation: lines');

interface LineCode {
  memory: WebAssembly.Memory;
  codeOf(at: number): bigint;
  correct(at: number, code: number): number;
  codeOfChange(index: number, bits: number): bigint;
}

/** firmware/memory/lines.ts alone. */
async function compileLines(): Promise<LineCode> {
  const source = await readFile(join(rootFolder, 'firmware/memory/lines.ts'), 'utf8');
  const outputs = new Map<string, Uint8Array>();
  const { error, stderr } = await asc.main(['lines.ts', '--outFile', 'lines.wasm', '-O3', '--runtime', 'stub'], {
    readFile: (name) => (name === 'lines.ts' ? source : null),
    writeFile: (name, contents) => void outputs.set(name, contents as Uint8Array),
    listFiles: () => [],
  });
  if (error !== null) throw new Error(stderr.toString());
  const bytes = outputs.get('lines.wasm') as Uint8Array<ArrayBuffer>;
  const { instance } = await WebAssembly.instantiate(bytes, {
    env: { memory: new WebAssembly.Memory({ initial: 1 }) },
  });
  const exports = instance.exports as unknown as LineCode;
  exports.memory.grow(1);
  return exports;
}

const at = 1024;
const code = at + 64;
/** Bits of a line and its code, which follows it here. */
const bits = 8 * 72;

const lines = await compileLines();
const bytes = () => new Uint8Array(lines.memory.buffer, at, 72);
const flip = (bit: number) => {
  bytes()[bit >> 3] ^= 1 << (bit & 7);
};

/** A random line and its code in memory; returns a copy of both. */
function lay(random: RandomStream): Uint8Array {
  for (let i = 0; i < 64; i += 1) bytes()[i] = random.below(256);
  new BigUint64Array(lines.memory.buffer, code, 1)[0] = lines.codeOf(at);
  return bytes().slice();
}

/** What each single flipped bit changes in the code: the line's bits, then the bits of the code. */
function singleBitCodes(): bigint[] {
  const line = Array.from({ length: 512 }, (_, bit) => lines.codeOfChange(bit >> 5, 1 << (bit & 31)));
  const own = Array.from({ length: 64 }, (_, bit) => 1n << BigInt(bit));
  return [...line, ...own].map((value) => BigInt.asUintN(64, value));
}

const random = new RandomStream(4, 'lines');

test('every flipped bit, of the line or of its code, is corrected', () => {
  for (let round = 0; round < 20; round += 1) {
    const right = lay(random);
    for (let bit = 0; bit < bits; bit += 1) {
      flip(bit);
      assert.is(lines.correct(at, code), 1, `bit ${bit}`);
      assert.equal(bytes(), right, `bit ${bit}`);
    }
  }
});

test('every pair of flipped bits is detected, and nothing is changed', () => {
  const right = lay(random);
  let pairs = 0;
  for (let first = 0; first < bits; first += 1) {
    flip(first);
    for (let second = first + 1; second < bits; second += 1) {
      flip(second);
      pairs += 1;
      if (lines.correct(at, code) !== 0) assert.unreachable(`bits ${first} and ${second} pass for one`);
      flip(second);
    }
    flip(first);
  }
  assert.is(pairs, (bits * (bits - 1)) / 2);
  assert.equal(bytes(), right);
});

test('bursts of three to eight neighbouring bits are never taken for sound', () => {
  const right = lay(random);
  const sound = new BigUint64Array(lines.memory.buffer, code, 1)[0];
  let corrected = 0;
  let bursts = 0;
  for (let length = 3; length <= 8; length += 1)
    for (let pattern = 0; pattern < 1 << (length - 2); pattern += 1)
      for (let first = 0; first + length <= 512; first += 1) {
        const flipped = [first, first + length - 1];
        for (let i = 0; i < length - 2; i += 1) if ((pattern >> i) & 1) flipped.push(first + 1 + i);
        for (const bit of flipped) flip(bit);
        bursts += 1;
        if (lines.codeOf(at) === sound) assert.unreachable(`a burst of ${length} at ${first} goes unnoticed`);
        corrected += lines.correct(at, code);
        bytes().set(right);
      }
  assert.is(corrected, 0, `${corrected} of ${bursts} bursts are taken for one flipped bit`);
});

test('no number of flipped bits in one bit column of the words is taken for sound or for one', () => {
  // The code is linear and the same for all columns up to a rotation: one column stands for all 32.
  const column = Array.from({ length: 16 }, (_, index) => BigInt.asUintN(64, lines.codeOfChange(index, 1)));
  const single = new Set(singleBitCodes());
  for (let set = 1; set < 1 << 16; set += 1) {
    let sum = 0n;
    let count = 0;
    for (let index = 0; index < 16; index += 1) {
      if (((set >> index) & 1) === 0) continue;
      sum ^= column[index];
      count += 1;
    }
    if (count < 2) continue;
    if (sum === 0n || single.has(sum)) assert.unreachable(`words ${set.toString(2)} of a column pass`);
  }
});

test('three flipped bits in one bit column of the words are refused, in every column', () => {
  const right = lay(random);
  for (let column = 0; column < 32; column += 1)
    for (let first = 0; first < 16; first += 1)
      for (let second = first + 1; second < 16; second += 1)
        for (let third = second + 1; third < 16; third += 1) {
          const flipped = [first, second, third].map((word) => word * 32 + column);
          for (const bit of flipped) flip(bit);
          if (lines.correct(at, code) !== 0) assert.unreachable(`words ${first}, ${second}, ${third} of ${column}`);
          for (const bit of flipped) flip(bit);
        }
  assert.equal(bytes(), right);
});

test('at most one in a thousand of all sets of three flipped bits is taken for one flipped bit', () => {
  const codes = singleBitCodes();
  const pairs = new Map<bigint, number>();
  let equalPairs = 0;
  for (let first = 0; first < bits; first += 1)
    for (let second = first + 1; second < bits; second += 1) {
      const sum = codes[first] ^ codes[second];
      const before = pairs.get(sum) ?? 0;
      equalPairs += before;
      pairs.set(sum, before + 1);
    }
  // Four bits whose codes add up to zero are three pairs of equal pairs, and four sets of three.
  const believed = (equalPairs / 3) * 4;
  const all = (bits * (bits - 1) * (bits - 2)) / 6;
  assert.is(believed, 19_520);
  assert.ok(believed / all < 0.001, `${believed} of ${all}`);
});

test('three flipped bits in one bit column of the bytes: one set in 5,000 is taken for one', () => {
  const codes = singleBitCodes();
  const single = new Set(codes);
  let believed = 0;
  for (let column = 0; column < 8; column += 1)
    for (let first = 0; first < 64; first += 1)
      for (let second = first + 1; second < 64; second += 1)
        for (let third = second + 1; third < 64; third += 1)
          if (single.has(codes[first * 8 + column] ^ codes[second * 8 + column] ^ codes[third * 8 + column]))
            believed += 1;
  assert.ok(believed <= (8 * 64 * 63 * 62) / 6 / 5000, `${believed}`);
});

test('memory that reads as one repeated byte is never a line with its code', () => {
  for (let value = 0; value < 256; value += 1) {
    bytes().fill(value);
    assert.is(lines.correct(at, code), 0, `${value}`);
  }
});

test('a line of zeros and a line of ones have codes that differ in more than one bit', () => {
  bytes().fill(0);
  new BigUint64Array(lines.memory.buffer, code, 1)[0] = lines.codeOf(at);
  bytes().fill(0xff, 0, 64);
  assert.is(lines.correct(at, code), 0);
});

test('the code of a change is the change of the code, and both are what the definition says', () => {
  for (let round = 0; round < 200; round += 1) {
    lay(random);
    const words = new Uint32Array(lines.memory.buffer, at, 16);
    const before = lines.codeOf(at);
    const index = random.below(16);
    const change = random.uint32();
    words[index] ^= change;
    const expected = BigInt.asUintN(64, before ^ lines.codeOfChange(index, change));
    assert.is(BigInt.asUintN(64, lines.codeOf(at)), expected);
    const [q, p] = codeByDefinition(words, 0);
    assert.is(expected, (BigInt(p) << 32n) | BigInt(q));
  }
});

test.run();

/**
 * The constants of firmware/signature, made from their definitions (RFC 8032, 5.1; FIPS 180-4) in
 * big integers, and the text of firmware/signature/constants.ts that holds them.
 */

const prime = 2n ** 255n - 19n;
const orderTail = 27742317777372353535851937790883648493n;
export const order = 2n ** 252n + orderTail;

const modulo = (value: bigint, by = prime): bigint => ((value % by) + by) % by;

function power(base: bigint, exponent: bigint, by = prime): bigint {
  let result = 1n;
  for (let rest = exponent, square = modulo(base, by); rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % by;
    square = (square * square) % by;
  }
  return result;
}

/** By Euclid's algorithm: a power would take a hundred times as long. */
function inverse(value: bigint): bigint {
  let [a, b] = [prime, modulo(value)];
  let [ofA, ofB] = [0n, 1n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [ofA, ofB] = [ofB, ofA - quotient * ofB];
  }
  return modulo(ofA);
}

const curveD = modulo(-121665n * inverse(121666n));
const rootOfMinusOne = power(2n, (prime - 1n) / 4n);

export interface Point {
  x: bigint;
  y: bigint;
}

/** The law of addition as it stands in RFC 8032, in affine coordinates. */
export function sum(a: Point, b: Point): Point {
  const all = modulo(curveD * a.x * b.x * a.y * b.y);
  return {
    x: modulo((a.x * b.y + a.y * b.x) * inverse(1n + all)),
    y: modulo((a.y * b.y + a.x * b.x) * inverse(1n - all)),
  };
}

export function multiple(count: bigint, point: Point): Point {
  let result: Point = { x: 0n, y: 1n };
  for (let rest = count, doubled = point; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = sum(result, doubled);
    doubled = sum(doubled, doubled);
  }
  return result;
}

const negative = ({ x, y }: Point): Point => ({ x: modulo(-x), y });

/** The point with this y and an even x. Throws when there is none. */
function pointAt(y: bigint): Point {
  const square = modulo((y * y - 1n) * inverse(curveD * y * y + 1n));
  const candidate = power(square, (prime + 3n) / 8n);
  for (const x of [candidate, modulo(candidate * rootOfMinusOne)])
    if (modulo(x * x) === square) return { x: (x & 1n) === 0n ? x : prime - x, y };
  throw new Error(`no point of the curve has y = ${y}`);
}

export const base = pointAt(modulo(4n * inverse(5n)));

/**
 * All points whose order divides eight: L times any point is one, and those of order eight give the
 * others.
 */
export function smallOrderPoints(): Point[] {
  for (let y = 2n; ; y += 1n) {
    let point: Point;
    try {
      point = multiple(order, pointAt(y));
    } catch {
      continue;
    }
    const all = Array.from({ length: 8 }, (_, times) => multiple(BigInt(times), point));
    if (new Set(all.map(({ x, y: other }) => `${x} ${other}`)).size === 8) return all;
  }
}

function smallOrderY(): bigint[] {
  const found = new Set(smallOrderPoints().map(({ y }) => y));
  return [...found].sort((a, b) => (a < b ? -1 : 1));
}

export const toBytes = (value: bigint): Uint8Array => Uint8Array.from(bytesOf(value, 32));
export const fromBytes = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
export const encodePoint = ({ x, y }: Point): Uint8Array => toBytes(y | ((x & 1n) << 255n));

/** Throws when the bytes encode no point. */
export function pointOf(bytes: Uint8Array): Point {
  const value = fromBytes(bytes);
  const even = pointAt(value & (2n ** 255n - 1n));
  return value >> 255n === 0n || even.x === 0n ? even : negative(even);
}

const bytesOf = (value: bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));
const prepared = ({ x, y }: Point): number[] =>
  [y + x, y - x, 2n * curveD * x * y].flatMap((value) => bytesOf(modulo(value), 32));

/**
 * Four blocks of eight: half the base point, at the places of four teeth 16 apart; the upper one
 * positive, the sign of the others given by the entry's number.
 */
function combTable(): number[] {
  const half = multiple((order + 1n) / 2n, base);
  const entries: number[] = [];
  for (let block = 0; block < 4; block += 1) {
    const teeth = [0, 1, 2, 3].map((tooth) => multiple(2n ** BigInt(16 * (4 * block + tooth)), half));
    for (let index = 0; index < 8; index += 1) {
      const signed = teeth.map((point, tooth) => (tooth === 3 || (index >> tooth) & 1 ? point : negative(point)));
      entries.push(...prepared(signed.reduce(sum)));
    }
  }
  return entries;
}

function integerRoot(value: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 3));
  for (;;) {
    const next = (2n * root + value / (root * root)) / 3n;
    if (next >= root) return root;
    root = next;
  }
}

/** The first 64 bits of the fractional parts of the cube roots of the first 80 primes. */
function roundConstants(): number[] {
  const primes: number[] = [];
  for (let number = 2; primes.length < 80; number += 1)
    if (primes.every((each) => number % each !== 0)) primes.push(number);
  return primes.flatMap((each) => bytesOf(integerRoot(BigInt(each) << 192n) & (2n ** 64n - 1n), 8));
}

interface Section {
  name: string;
  says: string;
  bytes: number[];
}

function sections(): Section[] {
  const words = (name: string, says: string, value: bigint): Section => ({ name, says, bytes: bytesOf(value, 32) });
  const odd = Array.from({ length: 8 }, (_, index) => prepared(multiple(BigInt(2 * index + 1), base)));
  return [
    words('FIELD_PRIME', 'p = 2^255 − 19.', prime),
    words('CURVE_D', 'd = −121665 ÷ 121666.', curveD),
    words('CURVE_D_TWICE', '2d.', modulo(2n * curveD)),
    words('ROOT_OF_MINUS_ONE', '2^((p − 1) ÷ 4).', rootOfMinusOne),
    words('ORDER', 'L, the order of the base point.', order),
    words('ORDER_TWICE', '2L.', 2n * order),
    words('ORDER_TAIL', 'L − 2^252.', orderTail),
    words('COMB_SHIFT', '(2^256 − 1) ÷ 2 modulo L.', modulo((2n ** 256n - 1n) * ((order + 1n) / 2n), order)),
    {
      name: 'SMALL_ORDER_Y',
      says: 'y of all points whose order divides eight.',
      bytes: smallOrderY().flatMap((y) => bytesOf(y, 32)),
    },
    { name: 'ROUND_CONSTANTS', says: '80 words of SHA-512.', bytes: roundConstants() },
    { name: 'BASE_ODD', says: 'B, 3B, … 15B, prepared: y + x, y − x, 2dxy.', bytes: odd.flat() },
    { name: 'BASE_COMB', says: 'Four blocks of eight multiples of B ÷ 2, prepared: base.ts.', bytes: combTable() },
  ];
}

function wordsOf(bytes: readonly number[]): bigint[] {
  return Array.from({ length: bytes.length / 8 }, (_, word) =>
    bytes.slice(8 * word, 8 * word + 8).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n),
  );
}

const mixer = 0x9e3779b97f4a7c15n;

/** What firmware/signature/constants.ts must be. */
export function constantsText(): string {
  const all = sections();
  const words = wordsOf(all.flatMap(({ bytes }) => bytes));
  const check = words.reduce((sum, word) => ((sum ^ word) * mixer) & (2n ** 64n - 1n), 0n);
  const hex = (word: bigint) => `0x${word.toString(16).padStart(16, '0')}`;
  let at = 0;
  const offsets = all.flatMap(({ name, says, bytes }) => {
    const lines = [`/** ${says} */`, `export const ${name}: u32 = ${at};`];
    at += bytes.length;
    return lines;
  });
  const rows: string[] = [];
  for (let first = 0; first < words.length; first += 5)
    rows.push(
      `  ${words
        .slice(first, first + 5)
        .map(hex)
        .join(', ')},`,
    );
  return [
    '// Generated by test/security/signature_constants.ts from the definitions. Do not change it by hand:',
    '// `npm test -- security/constants --rewrite` writes it anew.',
    '',
    '// Offsets in CONSTANTS, bytes. Numbers are little-endian.',
    '',
    ...offsets,
    `export const SMALL_ORDER_COUNT: u32 = ${smallOrderY().length};`,
    `const CONSTANTS_BYTES: u32 = ${at};`,
    `const CONSTANTS_CHECK: u64 = ${hex(check)};`,
    '',
    'const CONSTANTS: StaticArray<u64> = [',
    ...rows,
    '];',
    '',
    '// @inline',
    'export function constantAt(offset: u32): usize {',
    '  return changetype<usize>(CONSTANTS) + offset;',
    '}',
    '',
    '/**',
    ' * Whether the constants are as they were built: they are in memory that radiation can change. Each',
    ' * step is one-to-one, so that a change of one word is always detected.',
    ' */',
    'export function constantsSound(): bool {',
    '  let sum: u64 = 0;',
    `  for (let at: u32 = 0; at < CONSTANTS_BYTES; at += 8) sum = (sum ^ load<u64>(constantAt(at))) * ${hex(mixer)};`,
    '  return sum == CONSTANTS_CHECK;',
    '}',
    '',
  ].join('\n');
}

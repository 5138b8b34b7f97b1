// Builds the fuzzer: an image translated as boards translate it, the harness, and libFuzzer
// (clang).

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, stampOf } from '../../../host/build/paths.mjs';
import { imagePath, rootFolder } from '../../../host/build/root.ts';
import { runTool } from '../../../host/board/toolchain.ts';
import { translateImage } from '../../../host/board/translate.ts';
import { loadV8Engine } from '../../../host/engine/v8.ts';
import { FEATURE } from '../../../host/cbor/generated.ts';
import { encodeConfig } from '../../../host/platform/config.ts';
import { testCluster, testKeys } from '../sealed.ts';
import { beginnings } from './steps.ts';

/**
 * Images with the null cipher are fuzzed behind it; against the others nothing but the
 * envelope is right.
 */
export const fuzzed = { 'tiny-null-cipher': 8, fleet: 200, tiny: 8, flight: 200 } as const;
export type FuzzedImage = keyof typeof fuzzed;
const compiler = 'clang-14';
const folderOf = (image: string) => join(rootFolder, 'dist', 'fuzz', image);
/** Static data, a context, a checkpoint and an input fit in. */
const linearBytes = 1 << 18;
/** Key epochs 0 to 3: two bits of a step's head select one. */
const epochs = [0, 1, 2, 3];

function bytesOf(bytes: Uint8Array): string {
  return `{ ${Array.from(bytes).join(', ')} }`;
}

/**
 * The three configurations that a harness boots with: time known, unknown, and two key epochs;
 * `record` is the length of the first record alone.
 */
function configurations(members: number): { bytes: Uint8Array; record: number }[] {
  const node = {
    cluster: testCluster,
    self: 0,
    members,
    generation: 1,
    seed: 1,
    rateMax: 200,
    storageKg: 1000,
    batteryWh: 1000,
    solarW: 1000,
    baseW: 10,
    replicateW: 10,
    mineWhPerKg: 10,
    features: FEATURE.plans,
  };
  const groups = [
    { name: 'group', group: 1, kind: 1, units: 3, capacity: 100, stockKg: 0, loadKg: 0 },
    { name: 'group', group: 2, kind: 2, units: 4, capacity: 300, stockKg: 0, loadKg: 20 },
  ] as const;
  const keys = testKeys.member(0);
  const second = { keyEpoch: 2, startS: 4000, secret: testKeys.secret(2) };
  return [true, false, true].map((timeKnown, i) => {
    const facts = { incarnation: 1, timeKnown, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 };
    const held = i === 2 ? { ...keys, secrets: [...keys.secrets, second] } : keys;
    const bytes = encodeConfig(node, groups, facts, held);
    return { bytes, record: encodeConfig(node, [], facts).length };
  });
}

function setupText(members: number, cipherReal: boolean, sha256: string): string {
  const configs = configurations(members);
  const starts = beginnings(members).map(({ config, steps }) => ({ config, bytes: Buffer.concat(steps) }));
  const linkKeys = epochs.map((epoch) => bytesOf(testKeys.linkKey(epoch)));
  return [
    '/* Made by test/security/fuzz/build.ts. */',
    `enum { CLUSTER = ${testCluster}, CIPHER_REAL = ${cipherReal ? 1 : 0} };`,
    `enum { LINK_KEYS = ${epochs.length}, CONFIGS = ${configs.length}, STATES = ${starts.length} };`,
    `static const char image_sha256[] = "${sha256}";`,
    `static const u8 link_keys[LINK_KEYS][32] = { ${linkKeys.join(', ')} };`,
    ...configs.map(({ bytes }, i) => `static const u8 config_${i}[] = ${bytesOf(bytes)};`),
    'static const struct { const u8 *bytes; u32 length, record; } config[CONFIGS] = {',
    ...configs.map(({ record }, i) => `  { config_${i}, sizeof config_${i}, ${record} },`),
    '};',
    ...starts.map(({ bytes }, i) => `static const u8 steps_${i}[] = ${bytesOf(bytes)};`),
    'static const struct { u32 config; const u8 *steps; u32 length; } beginnings[STATES] = {',
    ...starts.map(({ config }, i) => `  { ${config}, steps_${i}, sizeof steps_${i} },`),
    '};\n',
  ].join('\n');
}

export interface FuzzerOptions {
  /** With AddressSanitizer as well, and comparisons reported to libFuzzer: three times slower. */
  readonly thorough?: boolean;
}

/** Changes when anything does that goes into the program. */
function stampFor(image: FuzzedImage): string {
  const sources = [
    ...filesBelow('firmware', ['.ts', '.h']),
    ...filesBelow('host/board', ['.ts']),
    ...filesBelow('test/security/fuzz', ['.ts', '.c', '.h']),
    'test/native_baseline/harness.h',
    'test/native_baseline/harness.h',
  ];
  const built = createHash('sha256').update(readFileSync(imagePath(image)));
  return `${stampOf(sources)} ${built.digest('hex')}`;
}

/** Path of the fuzzer's program for an image. Throws ToolError when clang is missing or refuses. */
export async function buildFuzzer(image: FuzzedImage, { thorough = false }: FuzzerOptions = {}): Promise<string> {
  const folder = folderOf(`${image}${thorough ? '-thorough' : ''}`);
  const program = join(folder, 'fuzzer');
  const stamp = stampFor(image);
  if (existsSync(program) && existsSync(join(folder, 'stamp')) && readFileSync(join(folder, 'stamp'), 'utf8') === stamp)
    return program;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'image.c'), translateImage(imagePath(image)));
  const { isCipherNull, sha256 } = loadV8Engine(image).image;
  writeFileSync(join(folder, 'setup.h'), setupText(fuzzed[image], !isCipherNull, sha256));
  const sources = join(rootFolder, 'test/security/fuzz');
  const flags = [
    ...['-std=gnu11', '-O2', '-g1', '-fno-strict-aliasing', '-Wno-unknown-attributes', `-DLINEAR_BYTES=${linearBytes}`],
    ...['-DLINEAR_CHECKED=0', '-DBIG_ENDIAN_TARGET=0', '-include', join(sources, 'linear.h')],
    ...[`-I${join(rootFolder, 'firmware/boards/image')}`, `-I${folder}`],
  ];
  const sanitizers = thorough ? 'fuzzer-no-link,address' : 'fuzzer-no-link';
  const instrumented = [`-fsanitize=${sanitizers}`, ...(thorough ? [] : ['-fno-sanitize-coverage=trace-cmp'])];
  await runTool(compiler, [...flags, ...instrumented, '-c', join(folder, 'image.c'), '-o', 'image.o'], folder);
  await runTool(compiler, [...flags, '-Wall', '-Wextra', '-c', join(sources, 'harness.c'), '-o', 'harness.o'], folder);
  await runTool(
    compiler,
    [`-fsanitize=fuzzer${thorough ? ',address' : ''}`, 'image.o', 'harness.o', '-o', 'fuzzer'],
    folder,
  );
  writeFileSync(join(folder, 'stamp'), stamp);
  return program;
}

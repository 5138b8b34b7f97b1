/**
 * `npm run cipher:campaign [-- CASES [SEED]]`: random cases of the cipher against node:crypto and
 * @noble/ciphers, 1,000,000 with seed 1 by default; what a frame costs, on the boards'
 * processors and here. Writes the page of results (docs/results/cipher.md) to standard output. Ends
 * with 1 if any case is wrong; each is reported with its number, which is enough to run it again
 * alone.
 */
import { createHash } from 'node:crypto';
import { cpus } from 'node:os';
import { SingleBar } from 'cli-progress';
import { missingPackages } from '../../host/build/boards.mjs';
import { targetNames, targets } from '../../host/board/targets.ts';
import { frameCases, runOnBoard } from './boards.ts';
import { type CampaignResult, Cipher, frame, runCases } from './cases.ts';
import { cipherEntry, compileEntry, roomEntry } from './compile.ts';

const number = new Intl.NumberFormat('en');

function campaign(cipher: Cipher, seed: number, cases: number): CampaignResult {
  const bar = new SingleBar({ format: '{bar} {value} of {total} cases, {eta_formatted} to go' });
  bar.start(cases, 0);
  const result = runCases(cipher, seed, cases, (done) => bar.update(done));
  bar.stop();
  return result;
}

async function boardRows(): Promise<string[]> {
  const missing = missingPackages();
  if (missing.length > 0) return [`Not measured: ${missing.join(', ')} missing.`];
  const rows = ['| target | seal | open | refuse |', '|---|---|---|---|'];
  for (const name of targetNames) {
    const results = await runOnBoard(targets[name], frameCases);
    rows.push(`| ${name} | ${results.map(({ count }) => number.format(count.instructions)).join(' | ')} |`);
  }
  return rows;
}

/**
 * Nanoseconds a call, the least and the middle of many rounds: what else runs on the machine only
 * adds.
 */
function timing(call: () => void): string {
  const [rounds, calls] = [41, 10_000];
  const times = Array.from({ length: rounds }, () => {
    const begin = process.hrtime.bigint();
    for (let index = 0; index < calls; index += 1) call();
    return Number(process.hrtime.bigint() - begin) / calls;
  }).sort((one, other) => one - other);
  return `${number.format(Math.round(times[0]))} | ${number.format(Math.round(times[rounds >> 1]))}`;
}

async function timeRows(): Promise<string[]> {
  const rows = ['| module | call | least ns | median ns |', '|---|---|---|---|'];
  for (const module of ['cipher', 'cipher_null'] as const) {
    const calls = (await Cipher.load(module)).repeated(frame);
    for (const [name, call] of Object.entries(calls)) rows.push(`| \`${module}\` | ${name} | ${timing(call)} |`);
  }
  return rows;
}

const bytesIn = (bytes: Uint8Array) => number.format(bytes.length);
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

const [casesText = '1000000', seedText = '1'] = process.argv.slice(2);
const [cases, seed] = [Number(casesText), Number(seedText)];
if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run cipher:campaign [-- CASES [SEED]]');
  process.exit(2);
}
const { wasm } = await compileEntry(cipherEntry('cipher'));
const both = await compileEntry(roomEntry);
const nullCipher = await compileEntry(cipherEntry('cipher_null'));
const result = campaign(await Cipher.load('cipher'), seed, cases);
const verdict = result.wrong.length === 0 ? 'none' : result.wrong.join('; ');
const page = [
  '# The cipher against two libraries, and what it costs',
  '',
  `Made by \`npm run -s cipher:campaign -- ${cases} ${seed} > docs/results/cipher.md\`, Node ${process.version} ` +
    `(OpenSSL ${process.versions.openssl}), ${cpus()[0].model}.`,
  '',
  `Random cases, seed ${seed}: ${number.format(cases)}, ${number.format(result.bytes)} bytes of text and aad. ` +
    `Each sealed by the firmware's \`cipher.ts\` (compiled: ${digest(wasm)}), node:crypto and`,
  '@noble/ciphers, opened again, and refused with one bit of key, nonce, aad, text or tag turned; ' +
    'half of them in place, at every alignment.',
  `**Wrong: ${verdict}.**`,
  '',
  `Code: ${bytesIn(both.wasm)} bytes of WebAssembly for cipher and HKDF together, constants included; ` +
    `${bytesIn(wasm)} for the cipher alone, ${bytesIn(nullCipher.wasm)} for the null cipher.`,
  '',
  'One frame of 200 bytes (33 of header as aad, 147 of text, tag, CRC-32C), at an odd address. ' +
    'Instructions on the emulated boards, the call into the image included; refuse: a wrong tag.',
  '',
  ...(await boardRows()),
  '',
  'The same in V8, on this machine, whatever else ran on it:',
  '',
  ...(await timeRows()),
];
console.log(page.join('\n'));
process.exitCode = result.wrong.length > 0 ? 1 : 0;

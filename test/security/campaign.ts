/**
 * `npm run cipher:campaign [-- CASES [SEED]]`: random cases of the cipher against node:crypto and @noble/ciphers, 1,000,000 with seed 1 unless told otherwise. Ends with 1 if
 * any case is wrong; each is told with its number, which is enough to run it again alone.
 */
import { SingleBar } from 'cli-progress';
import { Cipher, runCases } from './cases.ts';

const [casesText = '1000000', seedText = '1'] = process.argv.slice(2);
const [cases, seed] = [Number(casesText), Number(seedText)];
if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run cipher:campaign [-- CASES [SEED]]');
  process.exit(2);
}
const bar = new SingleBar({ format: '{bar} {value} of {total} cases, {eta_formatted} to go', noTTYOutput: false });
bar.start(cases, 0);
const result = runCases(await Cipher.load('cipher'), seed, cases, (done) => bar.update(done));
bar.stop();
console.log(JSON.stringify({ seed, cases: result.cases, bytes: result.bytes, wrong: result.wrong }));
process.exitCode = result.wrong.length > 0 ? 1 : 0;

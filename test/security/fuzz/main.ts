// Builds a fuzzer and writes the inputs that mutation begins from: `npm run fuzz -- IMAGE [--thorough]` prints how to go on.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildFuzzer, fuzzed, type FuzzedImage } from './build.ts';
import { seeds } from './steps.ts';

const words = process.argv.slice(2);
const image = (words.find((word) => !word.startsWith('--')) ?? 'tiny-null-cipher') as FuzzedImage;
if (!(image in fuzzed)) throw new Error(`no fuzzed image '${image}'; there are ${Object.keys(fuzzed).join(', ')}`);
const program = await buildFuzzer(image, { thorough: words.includes('--thorough') });
const folder = join(program, '..', 'seeds');
mkdirSync(folder, { recursive: true });
for (const [name, bytes] of seeds(fuzzed[image])) writeFileSync(join(folder, name), bytes);
console.log(`${program} CORPUS_FOLDER ${folder} -max_len=1024`);

// No branch, no choice and no address depends on what is in memory: keys, texts, tags. Found by
// following secrets through the compiled code.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cipherEntry, compileEntry } from './compile.ts';
import { dependsOnSecrets } from './taint.ts';

const test = suite('security: secrets');

const room = '$firmware/security';
/** Findings in code of `text`, which exports `probe`. */
async function findingsOf(body: string): Promise<string[]> {
  const code = [
    `export function probe(at: usize, length: u32): u32 {\n${body}\n}`,
    'export function memoryBase(): usize { return __heap_base; }',
  ].join('\n');
  const { text } = await compileEntry(code);
  return dependsOnSecrets(text, ['$entry/probe']);
}

test('the only branch of the cipher that depends on secrets is whether the tag is right', async () => {
  const { text } = await compileEntry(cipherEntry('cipher'));
  assert.equal(dependsOnSecrets(text, [`${room}/cipher/seal`]), []);
  assert.equal(dependsOnSecrets(text, [`${room}/cipher/open`]), [`${room}/cipher/open: if`]);
});

test('violated: branches, selects, addresses and loops that depend on loaded values are found', async () => {
  assert.equal(await findingsOf('return load<u32>(at + length);'), []);
  assert.equal(
    await findingsOf(
      'let sum: u32 = 0; for (let i: u32 = 0; i < length; i++) sum = rotl(sum, 3) ^ load<u32>(at + i); return sum;',
    ),
    [],
  );
  assert.equal(await findingsOf('if (load<u32>(at) == 7) store<u32>(at, 1); return 0;'), ['$entry/probe: if']);
  assert.equal(await findingsOf('return load<u8>(at + (load<u32>(at) & 15));'), ['$entry/probe: i32.load8_u']);
  assert.equal(await findingsOf('store<u8>(at + load<u32>(at), 1); return 0;'), ['$entry/probe: i32.store8']);
  assert.equal(await findingsOf('return load<u32>(at) > 5 ? length : <u32>at;'), ['$entry/probe: select']);
  // Through a local that was public when the loop began.
  const late = `let step: u32 = 1;
let i: u32 = 0;
while (i < length) { store<u32>(at + i, 0); i += step; step = load<u32>(at); }
return 0;`;
  assert.equal(await findingsOf(late), ['$entry/probe: i32.store', '$entry/probe: if']);
});

test('violated: a comparison that ends at the first difference, in a function that is called twice', async () => {
  const { text } = await compileEntry(
    `
@inline(false)
function same(a: usize, b: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}
export function probe(a: usize, b: usize): u32 { return <u32>same(a, b, 16) + 2 * <u32>same(b, a + 64, 32); }
export function memoryBase(): usize { return __heap_base; }`.replace('@inline(false)\n', ''),
  );
  assert.ok(
    dependsOnSecrets(text, ['$entry/probe']).some((finding) => /: (if|br_if)$/.test(finding)),
    text,
  );
});

test.run();

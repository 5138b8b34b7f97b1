import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { imagePath } from '../../host/build/root.ts';
import { readAccesses, rewrite, translateImage } from '../../host/board/translate.ts';

const generated = `static u32 w2c_heliograph_f0(w2c_heliograph*, u32);
static u32 w2c_heliograph_receive_0(w2c_heliograph*, u32, u32);

static const u8 data_segment_data_w2c_heliograph_d0[] = {
  0x01, 0x02,
};

static void init_memories(w2c_heliograph* instance) {
  LOAD_DATA(instance->w2c_memory, 1036u, data_segment_data_w2c_heliograph_d0, 2);
}

u32 w2c_heliograph_f0(w2c_heliograph* instance, u32 var_p0) {
  FUNC_PROLOGUE;
  u32 var_i0 = i32_load_default32(&instance->w2c_memory, (u64)(var_p0) + 52u);
  i32_store16_default32(&instance->w2c_memory, (u64)(var_p0), var_i0);
  FUNC_EPILOGUE;
  return var_i0;
}

u32 w2c_heliograph_receive_0(w2c_heliograph* instance, u32 var_p0, u32 var_p1) {
  return w2c_heliograph_f0(instance, var_p0);
}
`;
const disassembly = ' 000001: 28 02 34   |   i32.load 2 52\n 000004: 3b 00 00   |   i32.store16 0 0\n';

test('BRD-1 holds: an access keeps its address and gets its alignment', () => {
  const c = rewrite(generated, readAccesses(disassembly));
  assert.match(c, /u32 var_i0 = i32_load\(var_p0, 52u\);/);
  assert.match(c, /i32_store16_unaligned\(var_p0, 0u, var_i0\);/);
  assert.match(c, /linear_write\(1036u, segment_d0, 2u\);/);
  assert.match(c, /u32 image_receive\(u32 p0, u32 p1\) \{ return fw_receive_0\(p0, p1\); \}/);
  assert.not.match(c, /instance|w2c_|FUNC_/);
});

test('BRD-1 violated: an access that is not of the image and a missing access are reported', () => {
  assert.throws(
    () => rewrite(generated, readAccesses(disassembly.replace('2 52', '2 56'))),
    /access 1 is i32_load at 52/,
  );
  assert.throws(() => rewrite(generated, readAccesses(disassembly).slice(0, 1)), /access 2/);
  assert.throws(
    () => rewrite(generated.replace('f0(w2c_heliograph* instance', 'x0(w2c_heliograph* instance'), []),
    /another version/,
  );
});

test('a list of parameters may continue in the next line', () => {
  const wrapped = generated.replace('u32 var_p0, u32 var_p1) {', 'u32 var_p0, \n    u32 var_p1) {');
  assert.match(rewrite(wrapped, readAccesses(disassembly)), /fw_receive_0\(u32 var_p0,\s+u32 var_p1\) \{/);
});

test('only functions with many rotations are compiled without instruction scheduling', () => {
  const withRotations = (rotations: number) =>
    rewrite(
      generated.replace('  FUNC_PROLOGUE;\n', '  var_i0 = I32_ROTL(var_i0, var_i1);\n'.repeat(rotations)),
      readAccesses(disassembly),
    );
  assert.match(withRotations(16), /^__attribute__\(\(optimize\("no-schedule-insns"\)\)\) static u32 fw_f0\(/m);
  assert.not.match(withRotations(15), /__attribute__/);
  // In the flight image: the block functions of ChaCha20 and Poly1305, and at most two others.
  const marked = translateImage(imagePath('flight')).match(/^__attribute__.*$/gm) ?? [];
  assert.ok(marked.length >= 2 && marked.length <= 4, marked.join('\n'));
});

test('every flight preset is translated completely', () => {
  for (const preset of ['flight', 'compact'] as const)
    assert.match(translateImage(imagePath(preset)), /u32 image_boot\(/);
});

test.run();

// needs: wasmtime
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { imagePath } from '../../host/build/root.ts';
import { startStopwatch } from '../../host/clock/clock.ts';
import { loadAddon, type ProgramOptions } from '../../host/engine/addon.ts';
import { precompiledPath, programOf } from '../../host/engine/precompiled.ts';
import { createWasmtimeEngine } from '../../host/engine/wasmtime.ts';
import { mixed } from './tiny_images.ts';

const addon = loadAddon();
const image = new Uint8Array(readFileSync(imagePath('tiny')));

/** The functions of tiny_images.ts `mixed`, which are no firmware's. */
function mixedCalls(options: ProgramOptions): { calls: Record<string, () => number>; fuelUsed: () => number } {
  const instance = addon.Program.compile(mixed, options).instantiate();
  return {
    calls: instance.functions() as unknown as Record<string, () => number>,
    fuelUsed: () => instance.fuelUsed(),
  };
}

function thrownBy(call: () => unknown): Error & { code?: string } {
  try {
    call();
  } catch (error) {
    return error as Error & { code?: string };
  }
  throw new Error('nothing was thrown');
}

test('a deadline ends a call that would never return, and names it; the next call has its own', () => {
  const { calls } = mixedCalls({ deadlineMs: 200 });
  for (let round = 0; round < 2; round += 1) {
    const seconds = startStopwatch();
    const error = thrownBy(calls.spin);
    assert.is(error.code, 'FIRMWARE_DEADLINE');
    assert.is(error.message, 'spin did not return within 200 ms');
    assert.ok(seconds() >= 0.19, `${seconds()} s`);
    assert.is(calls.one(), 1);
  }
  const program = addon.Program.compile(mixed, { deadlineMs: 200 });
  const many = Array.from(
    { length: 8 },
    () => program.instantiate().functions() as unknown as Record<string, () => number>,
  );
  const seconds = startStopwatch();
  assert.is(thrownBy(many[7].spin).code, 'FIRMWARE_DEADLINE');
  assert.ok(seconds() >= 0.19, 'other instances do not make time pass faster');
  const engine = createWasmtimeEngine(image, { deadlineMs: 1000, cacheFolder: null });
  assert.ok(engine.isTrap(Object.assign(new Error(), { code: 'FIRMWARE_DEADLINE' })));
  assert.throws(() => mixedCalls({ deadlineMs: 0 }), /deadlineMs is 0/);
});

test('a fuel budget ends a call that takes more, and names the export and the budget', () => {
  const { calls, fuelUsed } = mixedCalls({ fuelBudget: 1000 });
  const error = thrownBy(calls.spin);
  assert.is(error.code, 'FIRMWARE_FUEL');
  assert.is(error.message, 'spin took more than its budget of 1000 fuel');
  assert.ok(fuelUsed() >= 1000);
  assert.is(calls.one(), 1);
  assert.ok(fuelUsed() > 0 && fuelUsed() < 10);
  assert.is(thrownBy(calls.stop).message, 'stop: wasm trap: wasm `unreachable` instruction executed');
  for (const fuelBudget of [0, -1, 1.5, Number.NaN])
    assert.throws(() => mixedCalls({ fuelBudget }), /not a whole number from 1/);
});

test('machine code is kept and used again; what does not fit or is damaged is compiled again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-precompiled-'));
  try {
    const origin = (of: Uint8Array, options: ProgramOptions = {}) => programOf(addon, of, options, folder).origin;
    assert.is(origin(image), 'compiled');
    assert.is(origin(image), 'reused');
    assert.is(origin(image, { fuel: true }), 'compiled', 'other options are other machine code');
    assert.is(origin(image, { fuelBudget: 5 }), 'reused', 'a budget is none');
    assert.is(origin(mixed), 'compiled');
    assert.is(readdirSync(folder).length, 3);

    const path = precompiledPath(folder, image, addon.compatibility({}));
    const good = readFileSync(path);
    const flipped = Buffer.from(good);
    flipped[good.length - 1000] ^= 1;
    const otherVersion = Buffer.from(good.toString('latin1').replace(addon.wasmtimeVersion(), '1.0.0'), 'latin1');
    const ofMixed = readFileSync(precompiledPath(folder, mixed, addon.compatibility({})));
    for (const bad of [flipped, good.subarray(0, 5000), Buffer.alloc(0), Buffer.alloc(300), otherVersion, ofMixed]) {
      writeFileSync(path, bad);
      assert.is(origin(image), 'rebuilt');
      assert.ok(readFileSync(path).equals(good), 'compiling is deterministic');
      assert.is(origin(image), 'reused');
    }
    const engine = createWasmtimeEngine(image, { cacheFolder: folder });
    assert.is(engine.calls.context_bytes(), createWasmtimeEngine(image, { cacheFolder: null }).calls.context_bytes());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a folder that cannot be written is no hindrance', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'heliograph-precompiled-')), 'file');
  writeFileSync(file, '');
  assert.is(programOf(addon, image, {}, join(file, 'below')).origin, 'compiled');
  rmSync(join(file, '..'), { recursive: true, force: true });
});

test('what another Wasmtime or another set of options made is refused by Wasmtime itself', () => {
  const counted = addon.Program.compile(mixed, { fuel: true }).serialize();
  assert.throws(() => addon.Program.load(counted, {}), /precompiled image does not fit/);
  assert.throws(() => addon.Program.load(new Uint8Array(100), {}), /precompiled image does not fit/);
  const instance = addon.Program.load(counted, { fuel: true }).instantiate();
  assert.is((instance.functions() as unknown as { one(): number }).one(), 1);
});

test.run();

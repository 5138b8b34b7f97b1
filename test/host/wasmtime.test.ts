// needs: wasmtime
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { imagePath } from '../../host/build/root.ts';
import { addonPath, loadAddon } from '../../host/engine/addon.ts';
import { createEngine } from '../../host/engine/load.ts';
import { STATUS } from '../../host/cbor/generated.ts';
import { createV8Engine } from '../../host/engine/v8.ts';
import { createWasmtimeEngine } from '../../host/engine/wasmtime.ts';
import { importing, mixed, wideResult } from './tiny_images.ts';

const image = new Uint8Array(readFileSync(imagePath('tiny')));

/** Collects garbage and lets finalisers run. */
async function collect(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let round = 0; round < 4; round += 1) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('it is the engine that V8 is: the same facts, addresses and results', () => {
  const wasmtime = createEngine('wasmtime', image);
  const v8 = createEngine('v8', image);
  assert.is(wasmtime.name, 'wasmtime');
  assert.equal(wasmtime.image, v8.image);
  assert.equal(
    Object.keys(wasmtime.calls).sort(),
    Object.keys(v8.calls)
      .filter((name) => name !== 'memory')
      .sort(),
  );
  for (const bytes of [wasmtime.image.contextBytes, 1, 100_000]) assert.is(wasmtime.reserve(bytes), v8.reserve(bytes));
  assert.is(wasmtime.view().length, v8.view().length);
  const at = v8.reserve(64);
  assert.is(wasmtime.reserve(64), at);
  const ctx = (v8.calls.memory_base() + 15) & ~15;
  for (const engine of [wasmtime, v8]) {
    assert.is(engine.calls.receive(ctx, 0, 0, at, 64) & 0xff, STATUS.notBooted);
    engine.view().fill(0xa5, ctx, ctx + engine.image.contextBytes);
  }
  assert.is(wasmtime.calls.hash(ctx), v8.calls.hash(ctx));
});

test('JavaScript and the image see one memory, without a copy, before and after it grows', () => {
  const engine = createWasmtimeEngine(image);
  const ctx = engine.reserve(engine.image.contextBytes);
  const empty = engine.calls.hash(ctx);
  // In the middle: what lives within one call stands first, and no hash covers it.
  const covered = ctx + (engine.image.contextBytes >> 1);
  engine.view()[covered] ^= 1;
  const changed = engine.calls.hash(ctx);
  assert.is.not(changed, empty);
  const old = engine.view();
  const far = engine.reserve(64 << 20);
  assert.is(old.length, 0, 'a view from before the growth is empty, as with V8, and cannot be written by mistake');
  assert.is(engine.calls.hash(ctx), changed);
  engine.view()[covered] ^= 1;
  assert.is(engine.calls.hash(ctx), empty);
  assert.ok(engine.view().length >= far + (64 << 20));
  assert.ok(
    engine
      .view()
      .subarray(far)
      .every((byte) => byte === 0),
  );
  assert.throws(() => engine.reserve(4 * 1024 ** 3), /exceed 4 GiB/);
});

test('memory that refuses to grow leaves view and contents as they were', () => {
  const instance = loadAddon().Program.compile(mixed, {}).instantiate();
  const view = new Uint8Array(instance.buffer());
  view[5] = 7;
  assert.throws(() => instance.grow(3), /does not grow/);
  assert.is(view[5], 7);
  instance.grow(1);
  assert.is(view.length, 0);
  assert.is(new Uint8Array(instance.buffer())[5], 7);
});

test('memory and functions outlive the engine for as long as JavaScript holds them', async () => {
  let view = createWasmtimeEngine(image).view();
  let { hash } = createWasmtimeEngine(image).calls;
  await collect();
  view.fill(1);
  assert.is(view[view.length - 1], 1);
  assert.type(hash(0), 'number');
  view = new Uint8Array();
  hash = () => 0;
  await collect();
  assert.is(view.length + hash(0), 0);
});

test('a thousand engines come and go', async () => {
  for (let count = 0; count < 1000; count += 1) {
    const engine = createWasmtimeEngine(image);
    engine.view()[engine.reserve(100_000)] = 1;
    if (count % 100 === 99) await collect();
  }
});

test('an image that imports anything, is no image, or has calls with other than i32 is refused', () => {
  assert.throws(() => createWasmtimeEngine(importing), /imports a\.b: firmware must import nothing/);
  assert.throws(() => createWasmtimeEngine(Uint8Array.of(1, 2, 3)), /does not compile/);
  const wide = loadAddon().Program.compile(wideResult, {}).instantiate();
  assert.throws(() => wide.functions(), /wide is .*i64.*: firmware takes up to nine i32 and gives one/);
});

test('a trap is distinguished from a fault of the host, and the instance goes on', () => {
  for (const engine of [createWasmtimeEngine(image), createV8Engine(image)]) {
    const beyond = engine.view().length + (1 << 20);
    let thrown: unknown = null;
    try {
      engine.calls.hash(beyond);
    } catch (error) {
      thrown = error;
    }
    assert.ok(engine.isTrap(thrown), `${engine.name}: ${thrown}`);
    assert.not(engine.isTrap(new Error('something else')));
    assert.type(engine.calls.trap_site(), 'number');
    assert.type(engine.calls.hash(0), 'number');
  }
});

test('addresses above 2 GiB wrap as they do in V8; what is no number is refused', () => {
  const engine = createWasmtimeEngine(image);
  const loose = engine.calls as unknown as Record<string, (...words: unknown[]) => number>;
  assert.throws(
    () => loose.hash(3_000_000_000),
    (error: Error) => engine.isTrap(error),
  );
  assert.throws(() => loose.hash('12'), /argument 1 of hash is no number/);
  assert.throws(() => loose.tick(16, 0), /argument 3 of tick is no number/);
  assert.not(engine.isTrap(new TypeError()));
});

test('threads of Node may load, trap and end; traps of both engines still work here', async () => {
  const code = `
    const { workerData } = require('node:worker_threads');
    const instance = require(workerData.addon).Program.compile(workerData.image, {}).instantiate();
    const calls = instance.functions();
    new Uint8Array(instance.buffer())[0] += 1;
    let traps = 0;
    try { calls.hash(0x7fffff00); } catch { traps += 1; }
    require('node:worker_threads').parentPort.postMessage(traps);`;
  for (let round = 0; round < 3; round += 1) {
    const workers = [0, 1].map(() => new Worker(code, { eval: true, workerData: { addon: addonPath(), image } }));
    const traps = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
    assert.equal(traps, [1, 1]);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  for (const engine of [createWasmtimeEngine(image), createV8Engine(image)])
    assert.throws(
      () => engine.calls.hash(0x7fffff00),
      (error: Error) => engine.isTrap(error),
    );
});

test.run();

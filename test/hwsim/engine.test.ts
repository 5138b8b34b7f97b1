import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { imagePath } from '../../host/build/root.ts';
import { statusName } from '../../host/engine/status.ts';
import { STATUS, WASM_PAGE_BYTES } from '../../host/cbor/generated.ts';
import { withInitialPages } from '../../host/engine/initial_memory.ts';
import { createV8Engine, loadV8Engine } from '../../host/engine/v8.ts';
import { signatureModulePath } from '../../host/security/signature.ts';

test('contexts are 16-aligned, zeroed, above static data, and memory grows from outside', () => {
  const engine = loadV8Engine('tiny');
  const { contextBytes } = engine.image;
  const first = engine.reserve(contextBytes);
  assert.ok(first >= engine.calls.memory_base());
  let last = first;
  for (let count = 1; count < 1000; count += 1) {
    const next = engine.reserve(contextBytes);
    assert.is(next % 16, 0);
    assert.ok(next >= last + contextBytes);
    last = next;
  }
  assert.ok(engine.view().length >= last + contextBytes);
  assert.ok(
    engine
      .view()
      .subarray(last, last + contextBytes)
      .every((byte) => byte === 0),
  );
  assert.throws(() => engine.reserve(4 * 1024 ** 3), /exceed 4 GiB/);
});

test('an engine with pages from the start is the same, and its memory need not grow', () => {
  const image = new Uint8Array(readFileSync(imagePath('tiny')));
  const pages = 300;
  const [grown, roomy] = [createV8Engine(image), createV8Engine(image, pages)];
  assert.is(roomy.view().length, pages * WASM_PAGE_BYTES);
  assert.equal(roomy.image, grown.image);
  const { buffer } = roomy.view();
  for (let count = 0; count < 1000; count += 1) assert.is(roomy.reserve(10_384), grown.reserve(10_384));
  assert.is(roomy.view().buffer, buffer);
  roomy.reserve(pages * WASM_PAGE_BYTES);
  assert.ok(roomy.view().length > pages * WASM_PAGE_BYTES);
});

test('a module keeps a memory that is large enough, has a maximum, or is not its own', () => {
  const image = new Uint8Array(readFileSync(imagePath('tiny')));
  assert.is(withInitialPages(image, 1), image);
  const bounded = new Uint8Array(readFileSync(signatureModulePath));
  assert.is(withInitialPages(bounded, 300), bounded);
  const empty = image.slice(0, 8);
  assert.is(withInitialPages(empty, 300), empty);
  // The sections behind the memory stay: a longer number moves them.
  const more = withInitialPages(image, 300);
  assert.is(more.length, image.length + 1);
  assert.is(withInitialPages(more, 300), more);
});

test('an image that imports anything is refused, and a built image has a hash', () => {
  const importing = Uint8Array.of(
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    1,
    4,
    1,
    0x60,
    0,
    0,
    2,
    7,
    1,
    1,
    0x61,
    1,
    0x62,
    0,
    0,
  );
  assert.throws(() => createV8Engine(importing));
  const image = new Uint8Array(readFileSync(imagePath('tiny')));
  assert.match(createV8Engine(image).image.sha256, /^[0-9a-f]{64}$/);
});

test('a context that was never booted rejects input with a status and does not trap', () => {
  const engine = loadV8Engine('tiny');
  const ctx = engine.reserve(engine.image.contextBytes);
  const frame = engine.reserve(64);
  assert.is(engine.calls.receive(ctx, 0, 0, frame, 64) & 0xff, STATUS.notBooted);
  assert.is(statusName(STATUS.notBooted), 'notBooted');
  assert.is(statusName(77), 'status 77');
});

test.run();

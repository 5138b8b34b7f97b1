// docs/abi.md says which statuses each call can return, what a checkpoint in place writes, and what
// the images export.

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { imagePath } from '../../host/build/root.ts';
import { BOOT_CAUSE, CHECKPOINT_HEADER_BYTES, STATUS } from '../../host/cbor/generated.ts';
import { NAMES } from '../../host/cbor/generated/names.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { encodeMessage, joinBytes } from '../../host/cbor/message.ts';
import { encodeConfig } from '../../host/platform/config.ts';
import { signatureModulePath } from '../../host/security/signature.ts';
import type { Negative } from '../security/negative/cases.ts';
import { bootCases } from '../security/negative/boots.ts';
import { counterCases } from '../security/negative/counters.ts';
import { envelopeCases } from '../security/negative/envelope.ts';
import { messageCases } from '../security/negative/messages.ts';
import { testCluster, testKeys } from '../security/sealed.ts';
import { readPage } from './examples.ts';
import { capability } from '../firmware/capability.ts';

const test = suite('abi calls');
const page = readPage('abi.md');

/** Status codes of a call, as the page's table has them. */
function documented(call: string): number[] {
  const row = new RegExp(`^\\| \`${call}\` \\| ([\\d, ]+) \\|`, 'm').exec(page);
  assert.ok(row !== null, `docs/abi.md has no statuses of ${call}`);
  return row[1].split(', ').map(Number);
}

const configWith = (more: Partial<Parameters<typeof encodeConfig>[0]> = {}) =>
  encodeConfig(
    {
      ...{ cluster: testCluster, self: 0, members: 3, generation: 1, seed: 1, features: 0 },
      ...{ ...capability, batteryWh: 6000 },
      ...more,
    },
    [],
    { incarnation: 1, timeKnown: true, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 },
    testKeys.member(0),
  );

/** A bare image, with a context behind 64 bytes of the caller's. */
function bare() {
  const engine = loadV8Engine('flight');
  const { contextBytes, checkpointBytes } = engine.image;
  const own = engine.reserve(64 + contextBytes);
  const [config, buffer] = [engine.reserve(4096), engine.reserve(checkpointBytes)];
  const put = (bytes: Uint8Array) => {
    engine.view().set(bytes, config);
    return bytes.length;
  };
  return { engine, calls: engine.calls, ctx: own + 64, own, config, buffer, checkpointBytes, put };
}

test('receive, observe and boot refuse with the documented statuses, and with no others', () => {
  const cases: readonly Negative[] = [...envelopeCases, ...counterCases, ...messageCases, ...bootCases];
  const refusedBy = (entry: Negative['entry']) =>
    cases.filter((each) => each.entry === entry).map(({ status }) => STATUS[status]);
  // What depends on the state and not on the input: not booted, safe mode, tick first.
  const ofState = { receive: [7, 10, 11], observe: [7], boot: [] };
  for (const entry of ['receive', 'observe', 'boot'] as const) {
    const found = new Set([STATUS.ok, ...ofState[entry], ...refusedBy(entry)]);
    assert.equal(
      [...found].sort((a, b) => a - b),
      documented(entry),
      entry,
    );
  }
});

test('before a boot, and after one that was refused, each call answers as documented', () => {
  const { calls, ctx, config, buffer, put } = bare();
  const answers = () => [
    calls.receive(ctx, 0, 0, buffer, 60),
    calls.observe(ctx, 0, 0, buffer, 10),
    calls.tick(ctx, 0, 0),
    calls.transmit(ctx, 0, 0, buffer, 256),
    calls.command(ctx, buffer, 80),
    calls.event(ctx, buffer, 80),
    calls.checkpoint(ctx, buffer, 1 << 20),
    calls.inspect(ctx, 0, 0, buffer, 4096),
    calls.verdict(ctx, 0, 0, 0, 0),
  ];
  const none = [7, 7, 7, 0, 0, 0, 0, 0, 0];
  assert.equal(answers(), none);
  assert.is(calls.boot(ctx, config, put(configWith({ self: 3 })), BOOT_CAUSE.powerOn, 0, 0), STATUS.implausible);
  assert.equal(answers(), none);
  assert.equal(
    [documented('tick'), answers().slice(0, 3)],
    [
      [0, 7],
      [7, 7, 7],
    ],
  );
});

test('restore returns the documented statuses', () => {
  const { calls, engine, ctx, config, buffer, checkpointBytes, put } = bare();
  assert.is(calls.boot(ctx, config, put(configWith()), BOOT_CAUSE.powerOn, 0, 0) & 255, STATUS.ok);
  assert.is(calls.checkpoint(ctx, buffer, checkpointBytes), checkpointBytes);
  const restore = (bytes: Uint8Array, length = checkpointBytes) =>
    calls.restore(ctx, buffer, length, config, put(bytes), BOOT_CAUSE.watchdog, 0, 0) & 255;
  const found = [
    restore(configWith()),
    restore(configWith().subarray(0, 20)),
    restore(configWith({ members: 3, self: 3 })),
    restore(configWith({ self: 1 })),
  ];
  assert.equal([...new Set(found)].sort(), documented('restore').map(Number));
  assert.is(found.at(-1), STATUS.checkpoint, "another node's");
  assert.is(restore(configWith(), checkpointBytes - 1), STATUS.checkpoint);
  // Keys that are wrong refuse a boot, and not a restore; a damaged record refuses both.
  const stranger = encodeMessage({ name: 'path-key', node: 3, key: testKeys.authority.pathKey(3) });
  const withStranger = joinBytes([configWith(), stranger]);
  assert.is(calls.boot(ctx, config, put(withStranger), BOOT_CAUSE.watchdog, 0, 0), STATUS.implausible);
  assert.is(restore(withStranger), STATUS.ok);
  const damaged = configWith();
  damaged[damaged.length - 10] ^= 1;
  assert.is(restore(damaged), STATUS.malformed);
  assert.ok(engine.view().length > 0);
});

test('a checkpoint in place writes the 16 bytes before the context, and none before them', () => {
  const { calls, engine, ctx, own, config, checkpointBytes, put } = bare();
  engine.view().fill(0xaa, own, ctx);
  assert.is(calls.boot(ctx, config, put(configWith()), BOOT_CAUSE.powerOn, 0, 0) & 255, STATUS.ok);
  const inPlace = ctx - CHECKPOINT_HEADER_BYTES;
  assert.is(calls.checkpoint(ctx, inPlace, checkpointBytes), checkpointBytes);
  const before = engine.view().slice(own, ctx);
  assert.is(
    before.findIndex((byte) => byte !== 0xaa),
    64 - 16,
  );
  assert.match(page, /the 16 bytes before the context,\s+which belong to the caller/);
  const status = calls.restore(ctx, inPlace, checkpointBytes, config, put(configWith()), BOOT_CAUSE.watchdog, 0, 0);
  assert.is(status & 255, STATUS.ok);
});

test('a command or event that does not fit waits on', () => {
  const { calls, ctx, config, buffer, put } = bare();
  calls.boot(ctx, config, put(configWith()), BOOT_CAUSE.powerOn, 0, 0);
  for (const poll of [calls.command, calls.event]) {
    assert.is(poll(ctx, buffer, 2), 0);
    assert.ok(poll(ctx, buffer, 80) > 2);
  }
  const words = NAMES.counter.length * 2;
  assert.is(calls.inspect(ctx, 4, 0, buffer, words * 4 - 1), 0);
  assert.equal([calls.inspect(ctx, 4, 0, buffer, words * 4), calls.inspect(ctx, 12, 1, buffer, 64)], [words, 6]);
});

test('the page names every export of both images', () => {
  const exportsOf = (path: string) => WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(path)));
  const [image, signature] = [imagePath('flight'), signatureModulePath].map(exportsOf);
  const [own, other] = page.split('## The signature image');
  const named = (text: string) => new Set([...text.matchAll(/^\| `(\w+)\(/gm)].map(([, name]) => name));
  const functions = (list: typeof image) => list.filter(({ kind }) => kind === 'function').map(({ name }) => name);
  assert.equal([...named(own)].sort(), functions(image).sort());
  assert.equal([...named(other)].sort(), functions(signature).sort());
});

test.run();

// The calls of the image: what each refuses and counts, and the flags it returns.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BOOT_CAUSE, COUNTER, FLAG, type Message, STATUS, STATUS_MASK, WORK_KIND } from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { LoneNode, slotS } from '../schedule/node.ts';
import { sealedFrame } from '../security/sealed.ts';

const calls = suite('calls of the image');
const startS = 36_000;
const bufferBytes = 4096;

/** A node whose image is called directly, at the node's own time. */
class Called {
  readonly node: LoneNode;
  private readonly at: number;

  constructor(node = new LoneNode({}, startS)) {
    this.node = node;
    this.at = node.engine.reserve(bufferBytes);
  }

  private get time(): [number, number] {
    return [Math.floor(this.node.localMs / 1000), this.node.localMs % 1000];
  }

  observe(bytes: Uint8Array, length = bytes.length): number {
    this.node.engine.view().set(bytes, this.at);
    return this.node.engine.calls.observe(this.node.context, ...this.time, this.at, length);
  }

  tick(): number {
    return this.node.engine.calls.tick(this.node.context, ...this.time);
  }

  receive(frame: Uint8Array): number {
    this.node.engine.view().set(frame, this.at);
    return this.node.engine.calls.receive(this.node.context, ...this.time, this.at, frame.length);
  }

  command(): number {
    return this.node.engine.calls.command(this.node.context, this.at, bufferBytes);
  }

  event(): number {
    return this.node.engine.calls.event(this.node.context, this.at, bufferBytes);
  }
}

const health = (batteryWh: number): Message => ({
  ...{ name: 'health', tasks: 255, storedKg: 0, solarW: 4000 },
  batteryWh,
});

calls('a record that is refused is counted once, whatever is wrong with it', () => {
  const called = new Called();
  const good = encodeMessage(health(9000));
  const cases: [string, Uint8Array, number?][] = [
    ['empty', good, 0],
    ['too long', good, 2048],
    ['no record', Uint8Array.of(0xff)],
    ['cut off', good, good.length - 1],
    ['with a byte too many', Uint8Array.of(...good, 0)],
  ];
  for (const [what, bytes, length] of cases) {
    const before = called.node.lossCount(COUNTER.recordRejected);
    assert.not.equal(called.observe(bytes, length) & STATUS_MASK, STATUS.ok, what);
    assert.is(called.node.lossCount(COUNTER.recordRejected), before + 1, what);
  }
  const before = called.node.lossCount(COUNTER.recordRejected);
  assert.is(called.observe(good) & STATUS_MASK, STATUS.ok);
  assert.is(called.node.lossCount(COUNTER.recordRejected), before);
});

calls('a call says that commands and events wait, until they are taken', () => {
  const node = new LoneNode({}, startS);
  const work = { kind: WORK_KIND.mine, resource: (1 << 16) | 1, rate: 100, durationS: 0, priority: 1 };
  node.observe({ name: 'assign', slot: 0, ...work, startS: startS + 1800, endS: startS + 60 * slotS });
  while (node.missionS < startS + 4 * slotS) {
    node.runTo(node.missionS + 300);
    node.observe(health(9000));
  }
  assert.ok(node.isRunning(0), 'it mines');
  const called = new Called(node);
  assert.is(called.tick() & (FLAG.command | FLAG.event), 0, 'nothing waits');
  // An empty battery stops the work: a command.
  assert.is(called.observe(encodeMessage(health(100))) & FLAG.command, FLAG.command);
  assert.is(called.tick() & FLAG.command, FLAG.command, 'it still waits');
  while (called.command() > 0);
  assert.is(called.tick() & FLAG.command, 0, 'it was taken');
  // A claim is published: an event.
  const claim = { ...work, resource: (1 << 16) | 2, startS: startS + 8 * slotS, endS: startS + 20 * slotS };
  const status = called.observe(encodeMessage({ name: 'assign', slot: 1, ...claim }));
  assert.is(status & STATUS_MASK, STATUS.ok);
  assert.is(status & FLAG.event, FLAG.event);
  while (called.event() > 0);
  while (called.command() > 0);
  assert.is(called.tick() & FLAG.event, 0);
});

calls('a context that was never booted refuses every call and changes nothing', () => {
  const { engine } = new LoneNode({}, startS);
  const context = engine.reserve(engine.image.contextBytes);
  const at = engine.reserve(bufferBytes);
  const before = engine.view().slice(context, context + engine.image.contextBytes);
  const { calls: image } = engine;
  for (const status of [
    image.tick(context, 0, 0),
    image.observe(context, 0, 0, at, 10),
    image.receive(context, 0, 0, at, 100),
  ])
    assert.is(status & STATUS_MASK, STATUS.notBooted);
  assert.is(image.transmit(context, 0, 0, at, 255), 0);
  assert.equal(engine.view().slice(context, context + engine.image.contextBytes), before);
});

calls('a node in safe mode hears nobody', () => {
  const node = new LoneNode({ members: 2 }, startS);
  node.boot({ cause: BOOT_CAUSE.alternateImage, localS: 0, resets: 3, image: 0 });
  const frame = sealedFrame({ sender: 1, counter: 1 }, [{ name: 'probe', sequence: 1 }]);
  assert.is(new Called(node).receive(frame) & STATUS_MASK, STATUS.safeMode);
});

calls.run();

// The platform's loop around an image (docs/abi.md), with an image that does what the test says.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BOOT_CAUSE, DEADLINE_MS_MAX, DEADLINE_SHIFT, FLAG, STATUS, TYPE } from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { writeRecord } from '../../host/cbor/record.ts';
import type { Engine, FirmwareCalls } from '../../host/engine/engine.ts';
import { type CheckpointSource, reserveBuffers } from '../../host/platform/buffers.ts';
import { encodeConfig, mayRestore, type NodeConfig } from '../../host/platform/config.ts';
import { dueMs, isOk, noStatus, PlatformLoop, zeroCounts } from '../../host/platform/loop.ts';

/** The part of a result that says that the deadline moved, and to when. */
const deadlineOf = (waitMs: number) => FLAG.deadline | (waitMs << DEADLINE_SHIFT);

class ImageTrap extends Error {}

/** An image whose answers are given by the test; `asked` has its calls in their order. */
function scripted() {
  const asked: string[] = [];
  const outputs = { frames: [] as number[], commands: [] as Uint8Array[], events: [] as Uint8Array[] };
  const memory = new Uint8Array(65_536);
  let reserved = 64;
  const put = (records: Uint8Array[], out: number): number => {
    const record = records.shift();
    if (record === undefined) return 0;
    memory.set(record, out);
    return record.length;
  };
  const calls: Partial<FirmwareCalls> = {
    boot: (...[, , length, cause, nowS, nowMs]) => {
      asked.push(`boot ${length} ${cause} ${nowS} ${nowMs}`);
      return STATUS.ok;
    },
    restore: (_ctx, image, length) => {
      asked.push(`restore ${memory[image]} ${length}`);
      return STATUS.ok;
    },
    receive: (_ctx, nowS, nowMs, frame, length) => {
      asked.push(`receive ${nowS} ${nowMs} ${memory[frame]} ${length}`);
      return STATUS.ok;
    },
    observe: (_ctx, _nowS, _nowMs, record, length) => {
      asked.push(`observe ${memory[record + 2]} ${length}`);
      return STATUS.ok;
    },
    tick: () => {
      asked.push('tick');
      return STATUS.ok;
    },
    transmit: () => {
      asked.push('transmit');
      return (outputs.frames.shift() ?? 0) | (2000 << DEADLINE_SHIFT);
    },
    command: (_ctx, out) => {
      asked.push('command');
      return put(outputs.commands, out);
    },
    event: (_ctx, out) => {
      asked.push('event');
      return put(outputs.events, out);
    },
    trap_site: () => 17,
    checkpoint: (_ctx, out, capacity) => {
      memory.set([5, 6, 7], out);
      return capacity === 1000 ? 3 : 0;
    },
    inspect: (_ctx, what, index, out) => {
      new DataView(memory.buffer).setUint32(out, what * 100 + index, true);
      return 1;
    },
  };
  const engine = {
    calls,
    view: () => memory,
    loadStatics: () => void asked.push('load statics'),
    isTrap: (error: unknown) => error instanceof ImageTrap,
    reserve: (bytes: number) => {
      reserved += bytes;
      return reserved - bytes;
    },
    image: { checkpointBytes: 1000 },
  } as unknown as Engine;
  return { asked, outputs, calls, engine, memory };
}

/** A loop around such an image; `did` has what the platform was given, in order. */
function looped() {
  const image = scripted();
  const did: string[] = [];
  const answers: Uint8Array[] = [];
  const handler = {
    booted: () => void did.push('booted'),
    frameAt: () => 16,
    send: (_loop: PlatformLoop, at: number, length: number) => void did.push(`send ${at} ${length}`),
    command: (_loop: PlatformLoop, length: number) => void did.push(`command ${length}`),
    obey: (_loop: PlatformLoop, type: number) => {
      did.push(`obey ${type}`);
      for (const answer of answers.splice(0)) loop.answer(answer);
      return type !== TYPE.resetProcessor;
    },
    event: (_loop: PlatformLoop, length: number) => void did.push(`event ${length}`),
    deadline: (_loop: PlatformLoop, waitMs: number) => void did.push(`deadline ${waitMs}`),
    trapped: (
      _loop: PlatformLoop,
      { site, isBooting, message }: { site: number; isBooting: boolean; message: string },
    ) => void did.push(`trapped ${site} ${isBooting} ${message}`),
  };
  const buffers = reserveBuffers(image.engine, 4096);
  const counts = zeroCounts();
  const loop = new PlatformLoop({ engine: image.engine, context: 0, buffers, handler, counts });
  return { ...image, loop, did, counts, answers, buffers };
}

function record(...fields: number[]): Uint8Array {
  const bytes = new Uint8Array(64);
  return bytes.slice(0, writeRecord(bytes, 0, fields));
}
const feed = () => record(TYPE.feedWatchdog, 1);
const all = FLAG.frame | FLAG.command | FLAG.event;

test('after an input what its status flags is polled: a frame, commands, events, then the deadline', () => {
  const { loop, calls, outputs, asked, did } = looped();
  outputs.frames.push(40, 50);
  outputs.commands.push(feed());
  outputs.events.push(record(TYPE.mute, 1, 2));
  calls.observe = () => STATUS.ok | all | deadlineOf(1000);
  loop.at(1500).observeBytes(feed());
  assert.equal(asked, ['transmit', 'command', 'command', 'event', 'event']);
  assert.is(did[0], 'send 16 40');
  assert.equal(did.slice(2), [`obey ${TYPE.feedWatchdog}`, 'event 5', 'deadline 2000'], 'as of after the frame');
});

test('what is not flagged is not polled', () => {
  for (const [flag, polled] of [
    [0, []],
    [FLAG.command, ['command']],
    [FLAG.event, ['event']],
    [FLAG.frame, ['transmit']],
    [FLAG.deadline, []],
  ] as [number, string[]][]) {
    const { loop, calls, asked } = looped();
    calls.receive = () => STATUS.ok | flag;
    loop.at(0).receiveBytes(Uint8Array.of(1));
    assert.equal(asked, polled);
  }
});

test('the deadline of each result that flags one is passed on', () => {
  const { loop, calls, did } = looped();
  calls.boot = () => deadlineOf(0);
  calls.tick = () => deadlineOf(60_000);
  calls.receive = () => deadlineOf(DEADLINE_MS_MAX);
  calls.observe = () => STATUS.ok;
  loop.at(0).boot(10, BOOT_CAUSE.powerOn, null);
  loop.tick();
  loop.receiveBytes(Uint8Array.of(1));
  loop.observeBytes(feed());
  assert.equal(did, ['booted', 'deadline 0', 'deadline 60000', `deadline ${DEADLINE_MS_MAX}`]);
});

test('an image that must tick first is ticked and polled, and given the frame again', () => {
  const { loop, calls, asked, counts } = looped();
  let receives = 0;
  calls.receive = (_ctx, nowS, nowMs) => {
    asked.push(`receive ${nowS} ${nowMs}`);
    receives += 1;
    return receives === 1 ? STATUS.tickFirst : STATUS.ok;
  };
  assert.is(loop.at(61_234).receiveBytes(Uint8Array.of(9)), STATUS.ok);
  assert.equal(asked, ['receive 61 234', 'tick', 'receive 61 234']);
  assert.equal([counts.receives, counts.ticks, counts.rejected], [1, 1, 0]);
});

test('a frame is not given again when the tick before it ended the runtime', () => {
  const { loop, calls, outputs, asked } = looped();
  calls.receive = () => {
    asked.push('receive');
    return STATUS.tickFirst;
  };
  calls.tick = () => STATUS.ok | FLAG.command;
  outputs.commands.push(record(TYPE.resetProcessor, 1, 1));
  assert.is(loop.at(0).receiveBytes(Uint8Array.of(9)), noStatus);
  assert.is(asked.filter((call) => call === 'receive').length, 1);
});

test('refused inputs are counted, whatever they flag', () => {
  const { loop, calls, counts } = looped();
  calls.receive = () => STATUS.malformed;
  calls.observe = () => STATUS.malformed | FLAG.event;
  assert.is(loop.at(0).receiveBytes(Uint8Array.of(1)), STATUS.malformed);
  loop.observeBytes(feed());
  assert.equal([counts.rejected, counts.receives, counts.observes], [2, 1, 1]);
  assert.equal([isOk(STATUS.ok | all), isOk(STATUS.malformed | all)], [true, false]);
});

test('a command whose check does not fit is counted and not carried out; the next one is', () => {
  const { loop, calls, outputs, did, counts } = looped();
  calls.tick = () => STATUS.ok | FLAG.command;
  const flipped = feed();
  flipped[3] ^= 1;
  outputs.commands.push(flipped, record(TYPE.health, 255, 1, 0, 1), feed());
  loop.at(0).tick();
  assert.equal(
    did.filter((what) => what.startsWith('obey')),
    [`obey ${TYPE.feedWatchdog}`],
  );
  assert.equal([counts.commands, counts.commandsRefused], [3, 2]);
});

test('all counts begin at zero, and each command and event counts, however short', () => {
  const { loop, calls, outputs, did, counts } = looped();
  assert.ok(Object.values(counts).every((count) => count === 0));
  calls.tick = () => STATUS.ok | FLAG.command | FLAG.event;
  outputs.commands.push(Uint8Array.of(0x80));
  outputs.events.push(Uint8Array.of(0x80));
  loop.at(0).tick();
  assert.equal([counts.ticks, counts.commands, counts.commandsRefused, counts.events], [1, 1, 1, 1]);
  assert.ok(did.includes('event 1'));
});

test('a command that ends the runtime is the last: events before it are heard, and nothing after it is polled', () => {
  for (const type of [TYPE.restartRuntime, TYPE.resetProcessor, TYPE.alternateImage]) {
    const { loop, calls, outputs, did } = looped();
    calls.tick = () => STATUS.ok | FLAG.command | deadlineOf(9);
    outputs.commands.push(record(type, 1, 1), feed());
    outputs.events.push(record(TYPE.escalation, 1, 1, 0));
    loop.at(0).tick();
    const heard = did.findIndex((what) => what.startsWith('event'));
    assert.ok(heard >= 0 && heard < did.indexOf(`obey ${type}`), did.join());
    if (type === TYPE.resetProcessor) assert.equal([did.includes('deadline 9'), outputs.commands.length], [false, 1]);
  }
});

test('an answer to a command is observed once all that waits is polled', () => {
  const { loop, calls, outputs, asked, answers } = looped();
  calls.tick = () => STATUS.ok | FLAG.command;
  outputs.commands.push(feed(), feed());
  answers.push(encodeMessage({ name: 'counters-reserved', cycle: 9 }));
  loop.at(0).tick();
  const observed = asked.findIndex((call) => call.startsWith(`observe ${TYPE.countersReserved}`));
  assert.ok(observed > asked.lastIndexOf('command'), asked.join());
});

test('answers that wait when the runtime ends are dropped', () => {
  const { loop, calls, outputs, asked, answers } = looped();
  calls.tick = () => STATUS.ok | FLAG.command;
  outputs.commands.push(feed(), record(TYPE.resetProcessor, 1, 1));
  answers.push(encodeMessage({ name: 'counters-reserved', cycle: 9 }));
  loop.at(0).tick();
  loop.tick();
  assert.not(asked.some((call) => call.startsWith('observe')));
});

test('answers that wait when the image traps are dropped', () => {
  const { loop, calls, outputs, answers } = looped();
  let observes = 0;
  calls.tick = () => STATUS.ok | FLAG.command;
  calls.observe = () => {
    observes += 1;
    throw new ImageTrap('unreachable');
  };
  outputs.commands.push(feed());
  const answer = encodeMessage({ name: 'counters-reserved', cycle: 9 });
  answers.push(answer, answer);
  assert.is(loop.at(0).tick(), noStatus);
  loop.tick();
  assert.is(observes, 1);
});

test('a trap is reported with its site and when it came; another error is the host’s own fault', () => {
  const { loop, calls, did, counts } = looped();
  const trap = () => {
    throw new ImageTrap('unreachable');
  };
  Object.assign(calls, { boot: trap, receive: trap, observe: trap, tick: trap });
  loop.at(0);
  const statuses = [loop.boot(1, 1, null), loop.receive(1), loop.observe(1), loop.tick()];
  assert.equal(statuses, [noStatus, noStatus, noStatus, noStatus]);
  assert.equal(did, ['trapped 17 true unreachable', ...new Array(3).fill('trapped 17 false unreachable')]);
  assert.is(counts.traps, 4);
  calls.tick = () => {
    throw new TypeError('host');
  };
  assert.throws(() => loop.tick(), /host/);
});

/** Checkpoints by age, the newest first; `refused` has the ages that were invalidated. */
function checkpoints(...images: (Uint8Array | null)[]) {
  const refused: string[] = [];
  const source: CheckpointSource = {
    read: (age) => images[age] ?? null,
    invalidate: (age, why) => void refused.push(`${age}: ${why}`),
  };
  return { source, refused };
}
const stored = (first: number, length = 100) => new Uint8Array(length).fill(first);

test('a boot loads static data, then the newest checkpoint that the image accepts, and none that does not fit', () => {
  const { loop, asked } = looped();
  const { source, refused } = checkpoints(stored(1), stored(2));
  loop.at(0).boot(10, BOOT_CAUSE.watchdog, source);
  assert.equal([asked.slice(0, 2), refused], [['load statics', 'restore 1 100'], []]);
  const large = looped();
  const { source: mixed, refused: tooLarge } = checkpoints(stored(1, 1001), stored(2, 1000));
  large.loop.at(0).boot(10, BOOT_CAUSE.watchdog, mixed);
  assert.is(large.asked[1], 'restore 2 1000');
  assert.equal(tooLarge, ['0: it has 1001 bytes, and a checkpoint of this image has 1000']);
});

test('a refused checkpoint is not tried again, the older one is; without any the image boots empty', () => {
  const { loop, calls, asked, did } = looped();
  calls.restore = (_ctx, image) => {
    asked.push(`restore ${image > 0}`);
    return STATUS.checkpoint;
  };
  const { source, refused } = checkpoints(stored(1), stored(2));
  assert.is(loop.at(0).boot(10, BOOT_CAUSE.watchdog, source), STATUS.ok);
  assert.equal(asked.slice(1, 4), ['restore true', 'restore true', `boot 10 ${BOOT_CAUSE.watchdog} 0 0`]);
  assert.equal(
    refused.map((why) => why[0]),
    ['1', '0'],
    'the older first, so that ages do not move',
  );
  assert.is(did[0], 'booted');
  const none = looped();
  none.loop.at(0).boot(10, BOOT_CAUSE.watchdog, checkpoints(null, null).source);
  assert.match(none.asked[1], /^boot/);
});

test('a checkpoint over which the image traps is not tried again', () => {
  const { loop, calls } = looped();
  calls.restore = () => {
    throw new ImageTrap('unreachable');
  };
  const { source, refused } = checkpoints(stored(1), stored(2));
  assert.is(loop.at(0).boot(10, BOOT_CAUSE.watchdog, source), noStatus);
  assert.equal(
    refused.map((why) => why[0]),
    ['0'],
  );
});

test('a configuration that is at fault ends the boot, and the checkpoints stay', () => {
  for (const fault of [STATUS.malformed, STATUS.implausible]) {
    const { loop, calls, did } = looped();
    calls.restore = () => fault;
    const { source, refused } = checkpoints(stored(1), stored(2));
    assert.is(loop.at(0).boot(10, BOOT_CAUSE.watchdog, source), fault);
    assert.equal([refused, did], [[], []]);
  }
});

test('a deadline is at least a millisecond away', () => {
  assert.equal([dueMs(500, 0), dueMs(500, 1), dueMs(500, 2)], [501, 501, 502]);
});

test('a checkpoint and an answer of the image are copies', () => {
  const { loop, memory, buffers } = looped();
  const image = loop.checkpoint();
  const words = loop.inspect(12, 3);
  memory.fill(0, buffers.checkpoint, buffers.checkpoint + 8);
  assert.equal([[...(image ?? [])], [...words]], [[5, 6, 7], [1203]]);
});

const capability: NodeConfig = {
  ...{ cluster: 7, self: 2, members: 4, generation: 1, seed: 1, features: 0, rateMax: 200 },
  ...{ storageKg: 1000, batteryWh: 900, solarW: 800, baseW: 10, replicateW: 11, mineWhPerKg: 12 },
};
const facts = { incarnation: 3, timeKnown: true, missionMs: 61_234, resets: 2, alternateImage: false, reserved: 77 };
const configBlock = (...words: Parameters<typeof encodeConfig>) => Uint8Array.from(encodeConfig(...words));
const asMessage = (rest: object) =>
  encodeMessage({ ...capability, name: 'config', ownerRateMax: 0, ...rest } as Parameters<typeof encodeMessage>[0]);

test('a configuration says what changed since the last boot', () => {
  const plain = { incarnation: 3, timeKnown: 1, timeS: 61, timeMs: 234, resets: 2, image: 0, reserved: 77 };
  assert.equal(configBlock(capability, [], facts), asMessage(plain));
  const unknown = configBlock(capability, [], { ...facts, timeKnown: false, alternateImage: true, resets: 300 });
  assert.equal(unknown, asMessage({ ...plain, timeKnown: 0, timeS: 0, timeMs: 0, image: 1, resets: 255 }));
  const wrapped = configBlock(capability, [], { ...facts, incarnation: 65_536 + 5 });
  assert.equal(wrapped, asMessage({ ...plain, incarnation: 5 }));
  assert.equal(configBlock({ ...capability, ownerRateMax: 9 }, [], facts), asMessage({ ...plain, ownerRateMax: 9 }));
});

test('a first power-on and an alternate image trust no checkpoint; every other boot does', () => {
  const trusting = Object.values(BOOT_CAUSE).filter(mayRestore);
  const others = Object.values(BOOT_CAUSE).filter((cause) => !mayRestore(cause));
  assert.equal(others.sort(), [BOOT_CAUSE.powerOn, BOOT_CAUSE.alternateImage].sort());
  assert.ok(trusting.length >= 3);
});

test.run();

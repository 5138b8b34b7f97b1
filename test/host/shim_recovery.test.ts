// One node in this process: its checkpoints, records from the ground, recovery, and giving up.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BOOT_CAUSE, FEED_LATE_S, MUTE_CAUSE, SLA_CLASS, STATUS, TYPE } from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { writeRecord } from '../../host/cbor/record.ts';
import { nameRecord } from '../../host/cli/record_text.ts';
import type { Clock } from '../../host/clock/clock.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { Memory } from '../../host/node/memory.ts';
import { NodeShim, RestartsExhausted } from '../../host/node/shim.ts';
import { intentsOf, membersOf, statusOf } from '../../host/node/telemetry.ts';
import type { PlatformLoop } from '../../host/platform/loop.ts';
import { type TimeSource, wallWaitMs } from '../../host/node/wall_fallback.ts';
import { LoopbackMedium } from '../../host/radio/loopback.ts';
import { Store, StoreError } from '../../host/store/store.ts';
import { openedFrame, testCluster } from '../security/sealed.ts';
import { config, link } from './pair.ts';
import { inFolder } from './support.ts';

const hourMs = 3_600_000;

/** A node with a memory; `pass` lets its time pass, ten seconds at a time. */
function node(memory: Memory = new Memory(null, () => {}), timeSource: TimeSource = 'wall') {
  const state = { nowMs: 60_000, alarms: 0, wake: () => {} };
  const events: [string, Record<string, number>][] = [];
  const failures: Error[] = [];
  const clock: Clock = {
    elapsedMs: () => state.nowMs,
    wakeAt(_atMs, wake) {
      state.wake = wake;
      state.alarms += 1;
      return { cancel: () => void (state.alarms -= 1) };
    },
  };
  const engine = loadV8Engine('tiny');
  const calls = { ...engine.calls };
  const reserve = engine.reserve.bind(engine);
  let contextAt = 0;
  Object.assign(engine, {
    calls,
    reserve: (bytes: number) => {
      const at = reserve(bytes);
      if (bytes === engine.image.contextBytes) contextAt = at;
      return at;
    },
  });
  const remarks: string[] = [];
  const log = (what: string, fields: object, words = '') => {
    events.push([what, fields as Record<string, number>]);
    remarks.push(`${what} ${words}`);
  };
  const shim = new NodeShim({
    ...{ engine, clock, memory, config, groups: [], link, log, timeSource, timeScale: 1 },
    ...{ wallMissionMs: () => state.nowMs, nameEvent: nameRecord },
  });
  const medium = new LoopbackMedium();
  const radio = medium.join(() => {});
  const heard: Uint8Array[] = [];
  medium.join((frame) => heard.push(frame));
  const pass = (ms: number) => {
    for (const endMs = state.nowMs + ms; state.nowMs < endMs && failures.length === 0; state.nowMs += 10_000)
      state.wake();
  };
  const start = () => shim.start(radio, (error) => void failures.push(error));
  /** Destroys the context, so that the next call into the image traps. */
  const destroy = () => engine.view().fill(0xa5, contextAt, contextAt + engine.image.contextBytes);
  const named = (what: string) => events.filter(([name]) => name === what).map(([, fields]) => fields);
  return { shim, engine, radio, memory, state, failures, start, pass, destroy, named, heard, remarks, calls };
}

test('a node that stops leaves a checkpoint, and the next process goes on from it', () =>
  inFolder((folder) => {
    const stored = () => new Store(folder).read('checkpoint').records.length;
    const first = node(new Memory(new Store(folder), () => {}));
    first.start();
    first.pass(600_000);
    assert.equal([stored(), first.named('booted').map(({ restored }) => restored)], [0, [0]]);
    assert.is(first.state.alarms, 1);
    first.shim.stop();
    assert.equal([stored(), first.state.alarms], [1, 0]);
    const second = node(new Memory(new Store(folder), () => {}));
    second.start();
    assert.equal(
      second.named('booted').map(({ restored, incarnation }) => [restored, incarnation]),
      [[1, 2]],
    );
  }));

test('a node stores checkpoints while it runs', () =>
  inFolder((folder) => {
    const { start, pass } = node(new Memory(new Store(folder), () => {}));
    start();
    const stored = () => new Store(folder).read('checkpoint').records.length;
    pass(600_000);
    assert.is(stored(), 0);
    pass(hourMs);
    assert.ok(stored() > 0);
  }));

test('records from the ground are observed: the first status that is not ok is returned', () => {
  const { shim, start } = node();
  const good = encodeMessage({ name: 'counters-reserved', cycle: 1 });
  const bad = Uint8Array.of(0x81, 0x18, 0x80);
  assert.is(shim.uplink([good]), STATUS.notBooted, 'before the start');
  start();
  assert.is(shim.uplink([]), STATUS.ok);
  assert.is(shim.uplink([good]), STATUS.ok);
  const refused = shim.uplink([good, bad, good]);
  assert.ok(refused !== STATUS.ok && refused !== STATUS.notBooted, String(refused));
  shim.stop();
  assert.is(shim.uplink([good]), STATUS.notBooted, 'after the stop');
});

test('a trap is answered with a restart that is counted; a stable hour clears the count', () => {
  const { shim, radio, memory, start, pass, destroy, named } = node();
  start();
  pass(600_000);
  destroy();
  pass(60_000);
  assert.is(named('trap').length, 1);
  assert.equal(
    named('booted').map(({ cause }) => cause),
    [BOOT_CAUSE.powerOn, BOOT_CAUSE.watchdog],
  );
  assert.equal([memory.resets, shim.telemetry(radio).restarts], [1, 1]);
  pass(hourMs - 120_000);
  assert.is(memory.resets, 1, 'not yet an hour');
  pass(180_000);
  assert.equal([memory.resets, shim.telemetry(radio).restarts], [0, 0]);
});

test('after eight restarts without a stable hour between them the node gives up', () => {
  const { shim, start, pass, destroy, failures, named } = node();
  start();
  for (let trap = 0; trap < 10 && failures.length === 0; trap += 1) {
    pass(60_000);
    destroy();
    pass(60_000);
  }
  assert.is(failures.length, 1);
  assert.instance(failures[0], RestartsExhausted);
  assert.is(named('booted').length, 1 + 8);
  shim.receive(Uint8Array.of(1));
  pass(hourMs);
  assert.is(named('booted').length, 1 + 8, 'it runs no longer');
});

test('a node whose memory cannot be written stops, and says why', () =>
  inFolder((folder) => {
    let isFull = false;
    const store = new Store(folder, () => {
      if (isFull) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    });
    const { start, pass, failures, radio, state } = node(new Memory(store, () => {}));
    start();
    pass(60_000);
    isFull = true;
    pass(hourMs);
    assert.is(failures.length, 1);
    assert.instance(failures[0], StoreError);
    const sent = radio.counters.framesSent;
    state.nowMs += hourMs;
    state.wake();
    assert.is(radio.counters.framesSent, sent, 'nothing is sent that is not reserved');
  }));

test('what a node sends are frames of its own, sealed with its keys', () => {
  const { start, pass, heard } = node();
  start();
  pass(600_000);
  assert.ok(heard.length > 10);
  for (const frame of heard) assert.is(openedFrame(frame).header.sender, 0);
});

test('an image that does not feed the watchdog is reset, which is counted', () => {
  const { start, pass, calls, named, memory } = node();
  start();
  pass(60_000);
  const { command } = calls;
  calls.command = () => 0;
  pass(1000 * FEED_LATE_S - 60_000);
  assert.is(named('watchdog-bites').length, 0);
  pass(120_000);
  calls.command = command;
  assert.is(named('watchdog-bites').length, 1);
  assert.equal(
    named('booted').map(({ cause }) => cause),
    [BOOT_CAUSE.powerOn, BOOT_CAUSE.watchdog],
  );
  assert.is(memory.resets, 1);
});

test('an image that makes no checkpoint leaves the one before it', () =>
  inFolder((folder) => {
    const { shim, start, pass, calls } = node(new Memory(new Store(folder), () => {}));
    start();
    pass(60_000);
    calls.checkpoint = () => 0;
    shim.stop();
    assert.is(new Store(folder).read('checkpoint').record, null);
  }));

/** A store of a node that booted once. */
function withHistory(folder: string): Memory {
  new Memory(new Store(folder), () => {}).nextIncarnation();
  return new Memory(new Store(folder), () => {});
}

test('TIM-1 holds: a node that booted before waits for its members, and then asks the wall', () =>
  inFolder((folder) => {
    const { shim, radio, start, pass, named, remarks } = node(withHistory(folder), 'auto');
    const isMute = () => (statusOf(shim.telemetry(radio)) as { mute: unknown }).mute !== null;
    start();
    pass(60_000);
    assert.is(isMute(), true);
    assert.ok(remarks.includes('mute until a member gives the time, or for 600 s: then the wall clock is asked'));
    pass(wallWaitMs(0) - 120_000);
    assert.is(named('time-from-wall').length, 0);
    pass(300_000);
    assert.is(named('time-from-wall').length, 1);
    assert.is(isMute(), false);
    assert.equal(
      named('booted').map(({ cause }) => cause),
      [BOOT_CAUSE.powerOn, BOOT_CAUSE.runtimeRestart],
    );
  }));

test('TIM-1 violated: with members as the only source a node alone stays mute', () => {
  const { start, pass, named, remarks, heard } = node(undefined, 'peers');
  start();
  pass(2 * hourMs);
  assert.ok(remarks.includes('mute until a member gives the time'));
  assert.equal([named('time-from-wall').length, heard.length], [0, 0]);
});

test('TIM-1 holds: at a first boot the wall is believed at once', () => {
  const { start, pass, heard } = node(undefined, 'auto');
  start();
  pass(600_000);
  assert.ok(heard.length > 10);
});

test('a node answers what it is, whom it knows and what it stores', () => {
  const { shim, radio, start, pass } = node();
  start();
  pass(600_000);
  const source = shim.telemetry(radio);
  const status = statusOf(source) as Record<string, unknown>;
  const expected = { id: 0, cluster: testCluster, members: 2, alive: 1, pid: process.pid, incarnation: 1, restarts: 0 };
  for (const [name, value] of Object.entries(expected)) assert.is(status[name], value, name);
  assert.equal([status.timeKnown, status.safeMode, status.mute, status.work], [true, false, null, []]);
  assert.ok(Math.abs((status.missionS as number) - 660) <= 20, String(status.missionS));
  assert.equal([status.keyEpoch, status.newestKeyEpoch, status.intents], [1, 1, 0]);
  assert.ok((status.reservedCycle as number) >= (status.sentCycle as number) && (status.sentCycle as number) > 0);
  const { members } = membersOf(source) as { members: { member: number; state: string }[] };
  assert.equal(
    members.map(({ member }) => member),
    [0, 1],
  );
  assert.is(members[1].state, 'unknown');
  assert.equal(intentsOf(source), { intents: [] });
});

test('a node that waits behind lost counters says so from its boot on, until the second that it reports', () =>
  inFolder((folder) => {
    const { shim, radio, start, pass, named } = node(new Memory(new Store(folder), () => {}, false));
    const mute = () => (statusOf(shim.telemetry(radio)) as { mute: { cause: string; untilS: number } | null }).mute;
    start();
    assert.equal(named('mute'), [], 'nothing is reported before the first period');
    const atBoot = mute();
    assert.is(atBoot?.cause, 'counters-used');
    pass(70_000);
    const [reported] = named('mute');
    assert.equal([reported.cause, atBoot?.untilS], [MUTE_CAUSE.countersUsed, reported.untilS]);
    pass(300_000);
    assert.is(mute(), null);
  }));

test('CVG-5 holds: a node shows the phases of the last disruption that converged', () => {
  const { shim, engine, radio, start } = node();
  start();
  const last = () => (statusOf(shim.telemetry(radio)) as { convergence: { last: unknown } }).convergence.last;
  assert.is(last(), null);
  const record = engine.reserve(128);
  const length = writeRecord(engine.view(), record, [
    TYPE.converged,
    SLA_CLASS.cluster,
    1000,
    2000,
    1400,
    1600,
    900,
    2000,
  ]);
  shim.event({ buffers: { record } } as PlatformLoop, length);
  const phases = { detect: 400, agree: 200, lease: 0, claim: 400, resume: 0 };
  assert.equal(last(), { class: 'cluster', onsetS: 1000, convergedS: 2000, phases });
});

test('a mute node says why and until when', () => {
  const { shim, radio } = node();
  const muted = (cause: number, untilS: number) =>
    (
      statusOf({ ...shim.telemetry(radio), inspect: () => new Uint32Array(0), mute: { cause, untilS } }) as {
        mute: unknown;
      }
    ).mute;
  assert.equal(muted(MUTE_CAUSE.noTime, 0), { cause: 'no-time', untilS: null });
  assert.equal((muted(MUTE_CAUSE.countersUsed, 700) as { untilS: number }).untilS, 700);
  assert.is(muted(0, 700), null);
});

test.run();

// What the fuzzer's harness (harness.c) takes: a state to begin with, then steps; and the inputs
// that mutation begins from.

import type { Message } from '../../../host/cbor/generated.ts';
import { encodeMessage, joinBytes } from '../../../host/cbor/message.ts';
import { nullCipher } from '../../../host/security/cipher.ts';
import { makeKeyEpoch } from '../../../host/security/key_epoch.ts';
import { testKeys } from '../sealed.ts';
import { FUZZ_STEP } from '../../../hwsim/bench/generated_harness.ts';

export type StepKind = keyof typeof FUZZ_STEP;

/** `a` and `b` mean what harness.c says of the kind. */
export function step(kind: StepKind, a = 0, b = 0, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  return Uint8Array.of(FUZZ_STEP[kind], a, b, payload.length, ...payload);
}

const addressees = { all: 0, node: 1, other: 2 } as const;

/** A frame with a right tag and a counter that was not used yet. */
function sealed(
  sender: number,
  messages: readonly Message[],
  to: keyof typeof addressees = 'all',
  epoch = 1,
): Uint8Array {
  return step('sealed', sender | (addressees[to] << 4) | (epoch << 6), 0, joinBytes(messages.map(encodeMessage)));
}

function observe(message: Message): Uint8Array {
  return step('observe', 0, 0, encodeMessage(message));
}

/** Seconds pass, up to 255 a step. */
function wait(seconds: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(seconds / 240) }, (_, i) => step('tick', Math.min(240, seconds - i * 240)));
}

const drain = step('drain', 1);

/** The second at which the state `working` stands. */
const workingS = 5040;

export function heartbeatAt(timeS: number, members: number): Message {
  return {
    name: 'heartbeat',
    timeS,
    timeMs: 0,
    errorMs: 200,
    // It says that its sender heard nobody: every other sign of life is the test's own.
    ages: new Uint8Array(3 * Math.ceil(members / 8)),
    digestHigh: 1,
    digestLow: 2,
    recent: 3,
    agree: new Uint8Array(Math.ceil(members / 8)).fill(255),
  };
}

export function intentAt(
  timeS: number,
  owner: number,
  slot: number,
  more: Partial<Extract<Message, { name: 'intent' }>> = {},
): Message {
  return {
    name: 'intent',
    owner,
    slot,
    version: (1 << 19) + 7,
    kind: 1,
    resource: (1 << 16) | 2,
    startS: timeS,
    endS: timeS + 5000,
    rate: 50,
    priority: 1,
    state: 2,
    generation: 1,
    claimS: timeS - 10,
    publishedS: timeS - 10,
    nonce: 5,
    read: 0,
    leaseS: 0,
    ...more,
  };
}

/** Heads and parts of a key epoch as the image with the null cipher opens them. */
export function keyEpochMessages(
  epoch: number,
  startS: number,
  members: number,
  excluded: readonly number[] = [],
): Message[] {
  const secret = testKeys.secret(epoch);
  const { head, parts } = makeKeyEpoch(
    testKeys.authority,
    { keyEpoch: epoch, startS, secret },
    Array.from({ length: members }, (_, index) => index),
    new Set(excluded),
    nullCipher,
  );
  return [head, ...parts];
}

/** One of each message that crosses the air, as it may be at `timeS`. */
export function messagesAt(timeS: number, members: number): Message[] {
  return [
    heartbeatAt(timeS, members),
    { name: 'probe', sequence: 4 },
    { name: 'ack', sequence: 1 },
    { name: 'probe-request', sequence: 4, target: 3 },
    { name: 'relayed-ack', sequence: 4, target: 3 },
    { name: 'suspicion', member: 0, incarnation: 1 },
    { name: 'alive', member: 2, incarnation: 2, upS: 0 },
    { name: 'join', incarnation: 64, generation: 1, cause: 1, upS: 0 },
    { name: 'isolation', fromS: timeS + 1000, untilS: timeS + 4000 },
    {
      name: 'silent-list',
      entries: [
        { member: 4, lastLivenessTick: 9, revocations: 2 },
        { member: 5, lastLivenessTick: 19, revocations: 0 },
      ],
    },
    intentAt(timeS, 2, 1),
    { name: 'sync-digest', salt: 1, parts: new Uint8Array(Math.ceil(members / 2)) },
    { name: 'owner-summary', owner: 3, answer: 1, entries: [{ slot: 1, version: 3 }] },
    { name: 'since', fromS: Math.max(0, timeS - 600) },
    { name: 'notice', group: 1, unit: 0, capacity: 500, observedS: timeS, observer: 3 },
    { name: 'notice-summary', answer: 1, entries: [{ group: 1, unit: 0, observedS: 100 }] },
    { name: 'alarm', class: 2, onsetS: timeS - 100, elapsedS: 100 },
    { name: 'beacon', cause: 1, resets: 2, timeS },
  ];
}

/** One of each record that the platform gives. */
export function recordsAt(timeS: number): Message[] {
  return [
    { name: 'health', tasks: 7, batteryWh: 900, storedKg: 10, solarW: 800 },
    { name: 'progress', slot: 1, status: 2, movedKg: 50 },
    { name: 'assay', group: 1, unit: 2, capacity: 0 },
    { name: 'outlook', fromS: timeS + 600, untilS: timeS + 6000, kind: 2 },
    { name: 'window', startS: timeS + 100, endS: timeS + 900, energyWh: 50 },
    {
      name: 'assign',
      slot: 1,
      kind: 1,
      resource: (1 << 16) | 1,
      startS: timeS + 1000,
      endS: timeS + 9000,
      durationS: 0,
      rate: 20,
      priority: 9,
    },
    {
      name: 'assign',
      slot: 2,
      kind: 4,
      resource: 0,
      startS: timeS + 1000,
      endS: timeS + 9000,
      durationS: 500,
      rate: 0,
      priority: 9,
    },
    {
      name: 'assign',
      slot: 3,
      kind: 2,
      resource: (2 << 16) | 1,
      startS: timeS + 700,
      endS: timeS + 9000,
      durationS: 0,
      rate: 20,
      priority: 9,
    },
    { name: 'recovery', level: 1, task: 2, ok: 1 },
    { name: 'group', group: 2, kind: 2, units: 4, capacity: 300, stockKg: 0, loadKg: 20 },
    { name: 'counters-reserved', cycle: Math.floor(timeS / 15) + 20 },
    { name: 'key-epoch-checked', keyEpoch: 2, ok: 1 },
  ];
}

/**
 * Steps that lead from a boot to each state that runs begin in; `config` is a number of harness
 * configurations.
 */
export function beginnings(members: number): { config: number; steps: Uint8Array[] }[] {
  const peers = [1, 2, 3, 4, 5, 6, 7];
  const hear = (timeS: number) => peers.map((sender) => sealed(sender, [heartbeatAt(timeS, members)]));
  const minutes = (from: number, to: number) => {
    const out: Uint8Array[] = [];
    for (let s = from; s < to; s += 60)
      out.push(step('tick', 60), ...hear(s + 60), drain, step('transmit'), step('transmit'));
    return out;
  };
  const work = peers.flatMap((owner, i) => [
    sealed(owner, [intentAt(4800, owner, 0, { resource: (1 << 16) | (i % 3), rate: 30, priority: i })]),
    ...(i < 3 ? [sealed(owner, [intentAt(5600, owner, 1, { resource: (2 << 16) | i, kind: 2, state: 1 })])] : []),
  ]);
  const own = recordsAt(4800).filter((record) => record.name === 'assign' || record.name === 'health');
  return [
    { config: 0, steps: minutes(0, 360) },
    { config: 1, steps: wait(120) },
    { config: 2, steps: [...minutes(0, 4800), ...work, ...own.map(observe), drain, ...minutes(4800, workingS)] },
    {
      config: 0,
      steps: [
        ...minutes(0, 600),
        ...keyEpochMessages(2, 900, members, [members - 2]).map((message) => sealed(1, [message], 'all', 0)),
      ],
    },
  ];
}

/**
 * Inputs that mutation begins from: each message and record alone and in company, in each state.
 */
export function seeds(members: number): Map<string, Uint8Array> {
  const out = new Map<string, Uint8Array>();
  const add = (name: string, state: number, ...steps: Uint8Array[]) =>
    out.set(name, Buffer.concat([Uint8Array.of(state), ...steps]));
  const times = [360, 120, workingS, 600];
  for (const [state, timeS] of times.entries()) {
    for (const message of messagesAt(timeS, members)) {
      add(`${state}-${message.name}`, state, sealed(2, [message], 'node'), step('tick', 60), drain, step('transmit'));
      add(
        `${state}-${message.name}-all`,
        state,
        sealed(2, [heartbeatAt(timeS, members), message]),
        step('again'),
        step('tick', 15),
        step('transmit'),
      );
    }
    for (const [i, record] of recordsAt(timeS).entries())
      add(
        `${state}-${record.name}-${i}`,
        state,
        observe(record),
        step('tick', 60),
        drain,
        ...wait(480),
        step('transmit'),
      );
    for (let i = 0; i < 10; i += 1)
      add(
        `${state}-leap-${i}`,
        state,
        step('leap', i),
        sealed(2, [heartbeatAt(timeS, members)]),
        step('tick', 60),
        drain,
      );
    add(`${state}-restart`, state, step('restart', 0), step('tick', 60), drain, step('transmit'));
    add(
      `${state}-restart-lost`,
      state,
      step('restart', 1),
      step('tick', 60),
      sealed(3, [heartbeatAt(timeS + 60, members)]),
      drain,
      step('transmit'),
    );
    const epochs = keyEpochMessages(state === 3 ? 2 : 3, timeS + 60, members, [members - 1]);
    add(
      `${state}-epoch`,
      state,
      ...epochs.map((message) => sealed(1, [message], 'all', 0)),
      drain,
      step('tick', 60),
      drain,
      step('tick', 60),
      step('transmit'),
    );
    add(
      `${state}-epoch-uplinked`,
      state,
      ...epochs.map(observe),
      drain,
      step('tick', 60),
      drain,
      step('leap', 2),
      drain,
    );
    for (const count of [3, 6])
      add(
        `${state}-time-${count}`,
        state,
        ...Array.from({ length: count }, (_, i) => sealed(i + 1, [heartbeatAt(timeS + i, members)])),
        step('tick', 15),
        drain,
        step('transmit'),
      );
  }
  const keys = testKeys.member(0);
  add(
    'boot',
    0,
    step('boot', 1, 0, encodeMessage({ ...keys.secrets[0], name: 'link-secret' })),
    step('tick', 60),
    drain,
  );
  add(
    'boot-path',
    0,
    step('boot', 1, 0, encodeMessage({ ...keys.path[0], name: 'path-key' })),
    step('tick', 60),
    drain,
  );
  add('boot-bare', 0, step('boot', 0));
  add(
    'enveloped',
    0,
    step(
      'enveloped',
      0,
      0,
      Buffer.from('d08355a3011818044901000700010001ffff064400000014a058180102030405060708', 'hex'),
    ),
  );
  add('bare', 0, step('bare', 0, 0, new Uint8Array(100)));
  return out;
}

/**
 * `npm run bench [-- --json] [--engine v8|wasmtime]`: the figures of one run on this machine, one core.
 *
 *     realTimeFactor, eventsPerS   100 nodes of `quiet` for two days, real firmware, judges seated, start-up included
 *     realTimeFactorNullCipher     the same flight on the image whose cipher is a stand-in
 *     sealedOpenedFramesPerS       frames that one of two nodes seals and the other opens, by whole calls of `transmit` and `receive` (sealed.ts says what else is in them)
 *     sealedFrameBytes             mean length of these on the air
 *     clusterFramesPerS, …Bytes    the same among 100 nodes, whose tables no cache holds at once
 *     verdictsPerS                 arbitration verdicts with 800 intents crowded on few resources
 *     callNs                       into the engine and back, by the cheapest export: the best of seven turns
 *     intentCodecNs, cborxCodecNs  encode + decode of one intent, firmware codec against cbor-x, turn about, both on V8
 */
import { parseArgs } from 'node:util';
import { Encoder } from 'cbor-x';
import { TYPE } from '../../host/cbor/generated.ts';
import { startStopwatch } from '../../host/clock/clock.ts';
import { exitCode } from '../../host/cli/exit.ts';
import { readImage } from '../../host/engine/image.ts';
import { flyAndJudge } from '../report/fly_and_judge.ts';
import { shippedScenario, withOverrides } from '../scenario/load.ts';
import { shippedBody } from '../world/bodies.ts';
import { createEngine } from '../../host/engine/load.ts';
import { defaultEngine, type EngineName, engineNames } from '../../host/engine/names.ts';
import { encodeConfig } from '../../host/platform/config.ts';
import { RandomStream } from '../kernel/random.ts';
import type { Group, Intent, Message } from '../../host/cbor/generated.ts';
import { BenchFrames, benchKeys, reservation } from './cycles/sealed_frames.ts';
import { sealedRate } from './sealed.ts';
import { firmware, rules, sourceAt, structAt, wireAt } from '../../test/proto/pair.ts';
import { writeStruct } from '../../test/proto/struct.ts';

const members = 200;
const nowS = 5500;
/** Before the last epoch's cut, so that who is heard then is not gone at the cut. */
const heardS = 5300;

function intent(owner: number, slot: number, random: RandomStream): Intent {
  const startS = nowS + random.below(600);
  const rate = 1 + random.below(60);
  const base = {
    name: 'intent' as const,
    owner,
    slot,
    version: 1,
    kind: 1,
    generation: 1,
    nonce: random.below(1 << 30),
  };
  const claim = {
    claimS: 4000 + random.below(900),
    publishedS: 4950,
    read: 0,
    leaseS: 0,
    priority: random.below(3),
    state: 2,
  };
  return { ...base, ...claim, resource: (1 << 16) | (1 + random.below(20)), startS, endS: startS + 600, rate };
}

/**
 * Verdicts per second on a full table. Before each round one intent comes in anew, so that nothing decided earlier can be handed out;
 * receiving it is part of the time.
 */
function verdictsPerS(name: EngineName): number {
  const engine = createEngine(name, readImage('flight'));
  const { calls } = engine;
  const ctx = engine.reserve(engine.image.contextBytes);
  const at = engine.reserve(8192);
  const group: Group = { name: 'group', group: 1, kind: 1, units: 20, capacity: 4000, stockKg: 0, loadKg: 0 };
  const capability = {
    rateMax: 200,
    storageKg: 8000,
    batteryWh: 6000,
    solarW: 1000,
    baseW: 40,
    replicateW: 0,
    mineWhPerKg: 60,
  };
  const config = { cluster: 1, self: 0, members, generation: 1, seed: 1, features: 0, ...capability };
  const facts = { incarnation: 1, timeKnown: true, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 };
  const block = encodeConfig(config, [group], facts, benchKeys(0));
  engine.view().set(block, at);
  calls.boot(ctx, at, block.length, 1, 0, 0);
  const reserved = reservation();
  engine.view().set(reserved, at);
  calls.observe(ctx, 0, 0, at, reserved.length);
  const frames = new BenchFrames();
  calls.tick(ctx, heardS, 0);
  const hear = (sender: number, atS: number, message: Message) => {
    const frame = frames.frame(sender, atS, [message]);
    engine.view().set(frame, at);
    if ((calls.receive(ctx, atS, 0, at, frame.length) & 0xff) !== 0)
      throw new Error(`frame of member ${sender} was rejected`);
  };
  for (let member = 1; member < members; member += 1)
    hear(member, heardS, { name: 'join', incarnation: 1, generation: 1, cause: 1 });
  const random = new RandomStream(1, 'bench/verdicts');
  calls.tick(ctx, nowS, 0);
  const held: [number, number][] = [];
  for (let index = 0; index < 796; index += 1) {
    const owner = 1 + (index % 199);
    const slot = Math.floor(index / 199);
    hear(owner, nowS, intent(owner, slot, random));
    held.push([owner, slot]);
  }
  const seconds = startStopwatch();
  let asked = 0;
  let known = 0;
  let version = 1;
  do {
    const [changed, slotChanged] = held[random.below(held.length)];
    version += 1;
    hear(changed, nowS, { ...intent(changed, slotChanged, random), version });
    for (const [owner, slot] of held) known += calls.verdict(ctx, owner, slot, nowS, 0) === 0 ? 0 : 1;
    asked += held.length;
  } while (seconds() < 2);
  if (known < asked) throw new Error(`${asked - known} of ${asked} intents were not held`);
  return asked / seconds();
}

/** Nanoseconds per encode + decode of one intent: the best of seven turns of each codec, turn about. */
function codecNs(): { intentCodecNs: number; cborxCodecNs: number } {
  const message = intent(150, 3, new RandomStream(1, 'bench/codec'));
  const { name, ...fields } = message;
  const rule = rules.find((each) => each.name === name);
  if (rule === undefined) throw new Error('the schema has no intent');
  writeStruct(firmware.memory, structAt, sourceAt, rule, fields, rules);
  const items = [TYPE.intent, ...Object.values(fields)];
  const codec = new Encoder({ useRecords: false });
  const turns = 200_000;
  let intentCodecNs = Number.POSITIVE_INFINITY;
  let cborxCodecNs = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 7; turn += 1) {
    const ofFirmware = startStopwatch();
    if (firmware.repeatIntent(turns, wireAt, wireAt + 0x2000, structAt) === 0)
      throw new Error('the firmware refuses the intent');
    intentCodecNs = Math.min(intentCodecNs, (ofFirmware() * 1e9) / turns);
    const ofHost = startStopwatch();
    for (let count = 0; count < turns / 10; count += 1) {
      codec.decode(codec.encode(items));
    }
    cborxCodecNs = Math.min(cborxCodecNs, (ofHost() * 1e9) / (turns / 10));
  }
  return { intentCodecNs, cborxCodecNs };
}

function callNs(name: EngineName): number {
  const { calls } = createEngine(name, readImage('flight'));
  const turns = 2_000_000;
  let best = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 7; turn += 1) {
    const seconds = startStopwatch();
    for (let count = 0; count < turns; count += 1) calls.abi_version();
    best = Math.min(best, (seconds() * 1e9) / turns);
  }
  return best;
}

function refuse(message: string, code: number): never {
  console.error(`bench: ${message}`);
  process.exit(code);
}

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, engine: { type: 'string', default: defaultEngine } },
});
const engine = engineNames.find((name) => name === values.engine);
if (engine === undefined)
  refuse(`--engine is '${values.engine}', not one of ${engineNames.join(', ')}`, exitCode.usage);
try {
  createEngine(engine, readImage('flight'));
} catch (error) {
  refuse((error as Error).message, exitCode.environment);
}
const scenario = withOverrides(shippedScenario('quiet'), { days: 2, seed: 1 });
const body = shippedBody(scenario.body);
const { speed } = flyAndJudge({ scenario, body, image: readImage('flight'), engine }, null);
const { speed: speedNull } = flyAndJudge({ scenario, body, image: readImage('null-cipher'), engine }, null);
const pair = sealedRate(createEngine(engine, readImage('flight')), { members: 2, turns: 500 });
const cluster = sealedRate(createEngine(engine, readImage('flight')), { members: 100, turns: 20 });
const figures = {
  realTimeFactor: speed.simulatedS / speed.wallS,
  realTimeFactorNullCipher: speedNull.simulatedS / speedNull.wallS,
  eventsPerS: speed.events / speed.wallS,
  sealedOpenedFramesPerS: pair.framesPerS,
  sealedFrameBytes: pair.frameBytes,
  clusterFramesPerS: cluster.framesPerS,
  clusterFrameBytes: cluster.frameBytes,
  verdictsPerS: verdictsPerS(engine),
  callNs: callNs(engine),
  ...codecNs(),
};
if (values.json) console.log(JSON.stringify(figures));
else
  for (const [name, value] of Object.entries(figures))
    console.log(`${name.padEnd(24)} ${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')}`);

/**
 * `npm run bench [-- --json] [--engine v8|wasmtime]`: measures one run on this machine, one core.
 *
 *     realTimeFactor, eventsPerS   100 nodes of `quiet` for two days, real firmware, with judges,
 *                                  start-up included
 *     realTimeFactorNullCipher     the same flight on the image with the null cipher
 *     sealedOpenedFramesPerS       frames that one of two nodes seals and the other opens, by whole
 *                                  calls of `transmit` and `receive` (hwsim/bench/sealed.ts)
 *     sealedFrameBytes             mean length of these on the air
 *     clusterFramesPerS, …Bytes    the same among 100 nodes, whose tables exceed every cache
 *     verdictsPerS                 arbitration verdicts with 800 intents crowded on few resources
 *     callNs                       into the engine and back, by the cheapest export
 *     intentCodecNs, cborxCodecNs  encode + decode of one intent, firmware codec against cbor-x, in
 *                                  turn, both on V8
 */
import { parseArgs } from 'node:util';
import { Encoder } from 'cbor-x';
import { TYPE } from '../../host/cbor/generated.ts';
import { exitCode } from '../../host/cli/exit.ts';
import { startStopwatch } from '../../host/clock/clock.ts';
import { readImage } from '../../host/engine/image.ts';
import { createEngine } from '../../host/engine/load.ts';
import { defaultEngine, type EngineName, engineNames } from '../../host/engine/names.ts';
import { callNs, crowdedIntent, verdictsPerS } from '../../hwsim/bench/calls.ts';
import { sealedRate } from '../../hwsim/bench/sealed.ts';
import { flyAndJudge } from '../../hwsim/report/fly_and_judge.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { shippedScenario, withOverrides } from '../../hwsim/scenario/load.ts';
import { shippedBody } from '../../hwsim/world/bodies.ts';
import { firmware, rules, sourceAt, structAt, wireAt } from '../proto/pair.ts';
import { writeStruct } from '../proto/struct.ts';

/** Measures encode + decode of one intent: the best of seven turns of each codec, nanoseconds. */
function codecNs(): { intentCodecNs: number; cborxCodecNs: number } {
  const message = crowdedIntent(150, 3, new RandomStream(1, 'bench/codec'));
  const { name, ...fields } = message;
  const rule = rules.find((each) => each.name === name);
  if (rule === undefined) throw new Error('the schema has no intent');
  writeStruct(firmware.memory, { at: structAt, bytesAt: sourceAt }, rule, fields, rules);
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
    for (let count = 0; count < turns / 10; count += 1) codec.decode(codec.encode(items));
    cborxCodecNs = Math.min(cborxCodecNs, (ofHost() * 1e9) / (turns / 10));
  }
  return { intentCodecNs, cborxCodecNs };
}

function refuse(message: string, code: number): never {
  console.error(`bench: ${message}`);
  process.exit(code);
}

function measure(engine: EngineName): Record<string, number> {
  const newEngine = () => createEngine(engine, readImage('flight'));
  const scenario = withOverrides(shippedScenario('quiet'), { days: 2, seed: 1 });
  const body = shippedBody(scenario.body);
  const { speed } = flyAndJudge({ scenario, body, image: readImage('flight'), engine }, null);
  const { speed: speedNull } = flyAndJudge({ scenario, body, image: readImage('null-cipher'), engine }, null);
  const pair = sealedRate(newEngine(), { members: 2, turns: 500 });
  const cluster = sealedRate(newEngine(), { members: 100, turns: 20 });
  return {
    realTimeFactor: speed.simulatedS / speed.wallS,
    realTimeFactorNullCipher: speedNull.simulatedS / speedNull.wallS,
    eventsPerS: speed.events / speed.wallS,
    sealedOpenedFramesPerS: pair.framesPerS,
    sealedFrameBytes: pair.frameBytes,
    clusterFramesPerS: cluster.framesPerS,
    clusterFrameBytes: cluster.frameBytes,
    verdictsPerS: verdictsPerS(newEngine()),
    callNs: callNs(newEngine()),
    ...codecNs(),
  };
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
const figures = measure(engine);
if (values.json) console.log(JSON.stringify(figures));
else
  for (const [name, value] of Object.entries(figures))
    console.log(`${name.padEnd(24)} ${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')}`);

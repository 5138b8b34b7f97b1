/**
 * `npm run bench [-- --json|--page] [--engine v8|wasmtime]`: measures one run on this machine, one
 * core. `--page` prints docs/results/speed.md.
 *
 *     realTimeFactor, eventsPerS   100 nodes of `quiet` for two days, real firmware, with judges,
 *                                  start-up included; the better of two flights
 *     realTimeFactorFleet          the same on the fleet image, flown in turn with the flight image
 *     processorFactor, …Fleet      simulated time ÷ processor time of these flights, which other
 *                                  processes of the machine change little
 *     eventsPerNodeDay             events of docs/definitions.md in these flights
 *     bytesPerNode, …Fleet         resident memory of a node with its checkpoints: growth of a
 *                                  process of its own by a second flight of 200 nodes for three
 *                                  hours
 *     mergeHeartbeatNs, …Instructions   a broadcast heartbeat in the fleet image, beyond opening
 *                                  its frame, on V8: medians (test/bench/heartbeat.ts)
 *     sealedOpenedFramesPerS       frames that one of two nodes seals and the other opens, by whole
 *                                  calls of `transmit` and `receive` (hwsim/bench/sealed.ts)
 *     sealedFrameBytes             mean length of these on the air
 *     clusterFramesPerS, …Bytes    the same among 100 nodes, whose tables exceed every cache
 *     verdictsPerS                 arbitration verdicts with 800 intents crowded on few resources
 *     callNs                       into the engine and back, by the cheapest export
 *     intentCodecNs, cborxCodecNs  encode + decode of one intent, firmware codec against cbor-x, in
 *                                  turn, both on V8
 */
import { cpus } from 'node:os';
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
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { firmware, rules, sourceAt, structAt, wireAt } from '../proto/pair.ts';
import { writeStruct } from '../proto/struct.ts';
import { heartbeatCost } from './heartbeat.ts';
import { bytesPerNode, printBytesPerNode } from './memory.ts';
import { type FlownImage, flownDays, flownImages, flownNodes, speeds } from './speed.ts';

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

async function measure(engine: EngineName): Promise<Record<string, number>> {
  const newEngine = () => createEngine(engine, readImage('flight'));
  const { flight, fleet } = speeds(engine);
  const heartbeat = await heartbeatCost();
  const pair = sealedRate(newEngine(), { members: 2, turns: 500 });
  const cluster = sealedRate(newEngine(), { members: 100, turns: 20 });
  return {
    realTimeFactor: flight.simulatedS / flight.wallS,
    realTimeFactorFleet: fleet.simulatedS / fleet.wallS,
    processorFactor: flight.simulatedS / flight.processorS,
    processorFactorFleet: fleet.simulatedS / fleet.processorS,
    eventsPerS: flight.events / flight.wallS,
    eventsPerNodeDay: flight.events / flownNodes / flownDays,
    bytesPerNode: bytesPerNode('flight', engine),
    bytesPerNodeFleet: bytesPerNode('fleet', engine),
    mergeHeartbeatNs: heartbeat.ns,
    mergeHeartbeatInstructions: heartbeat.instructions,
    sealedOpenedFramesPerS: pair.framesPerS,
    sealedFrameBytes: pair.frameBytes,
    clusterFramesPerS: cluster.framesPerS,
    clusterFrameBytes: cluster.frameBytes,
    verdictsPerS: verdictsPerS(newEngine()),
    callNs: callNs(newEngine()),
    ...codecNs(),
  };
}

/** What the page says of each figure; what is left out here is not on it. */
const rows: readonly [figure: string, meaning: string][] = [
  ['realTimeFactor', `× real time: flight image, ${flownNodes} nodes, ${flownDays} days of \`quiet\`, judged`],
  ['realTimeFactorFleet', '× real time: the same on the fleet image'],
  ['processorFactor', 'simulated seconds per second of the processor, flight image'],
  ['processorFactorFleet', 'the same, fleet image'],
  ['eventsPerNodeDay', 'events per node·day'],
  ['eventsPerS', 'events per second, flight image'],
  ['bytesPerNode', 'resident bytes per node with its checkpoints, flight image'],
  ['bytesPerNodeFleet', 'the same, fleet image'],
  ['mergeHeartbeatNs', 'nanoseconds to merge a broadcast heartbeat beyond opening its frame, fleet image, median'],
  ['mergeHeartbeatInstructions', 'the same, WebAssembly instructions'],
];

function page(figures: Record<string, number>): string {
  const shown = (name: string) => Math.round(figures[name]).toLocaleString('en');
  const ratio = (figures.processorFactorFleet / figures.processorFactor).toFixed(2);
  const shas = flownImages.map((name) => `${name} ${createEngine('v8', readImage(name)).image.sha256.slice(0, 16)}`);
  return [
    '# Speed and memory of the simulator',
    '',
    'Made by `npm run -s bench -- --page > docs/results/speed.md`. One core. Both images were flown in turn, twice;',
    'the better flight counts. docs/definitions.md says what an event is. Memory per node is what a second, equal',
    'flight of 200 nodes and three hours adds to a process.',
    '',
    'Where a factor per second of the processor is much larger than the factor of real time, other processes used',
    'the core: the images are compared by processor time.',
    '',
    `Images: ${shas.join(', ')}. Machine: Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}.`,
    '',
    '| figure | |',
    '|---|---|',
    ...rows.map(([name, meaning]) => `| ${meaning} | ${shown(name)} |`),
    `| fleet image ÷ flight image, by processor time | ${ratio} |`,
  ].join('\n');
}

function report(figures: Record<string, number>): void {
  if (values.json) return console.log(JSON.stringify(figures));
  if (values.page) return console.log(page(figures));
  for (const [name, value] of Object.entries(figures))
    console.log(`${name.padEnd(24)} ${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')}`);
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    page: { type: 'boolean' },
    engine: { type: 'string', default: defaultEngine },
    memory: { type: 'string' },
  },
});
const engine = engineNames.find((name) => name === values.engine);
if (engine === undefined)
  refuse(`--engine is '${values.engine}', not one of ${engineNames.join(', ')}`, exitCode.usage);
try {
  createEngine(engine, readImage('flight'));
} catch (error) {
  refuse((error as Error).message, exitCode.environment);
}
// The process that `bytesPerNode` starts.
if (values.memory !== undefined) printBytesPerNode(values.memory as FlownImage, engine);
else report(await measure(engine));

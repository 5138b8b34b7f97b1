// The host's loop of docs/abi.md, run against the built image: it makes a node do what
// host/platform/loop.ts makes it do.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { imagePath } from '../../host/build/root.ts';
import { FEATURE, BOOT_CAUSE, LIVENESS_TICK_S, STATUS, STATUS_MASK, TYPE } from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { recordFields } from '../../host/cbor/record.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { encodeConfig } from '../../host/platform/config.ts';
import { ImageNode, type Outputs } from '../../host/platform/image_node.ts';
import { SealedFrames, testCluster, testKeys } from '../security/sealed.ts';
import { examplesOf, readPage } from './examples.ts';
import { capability } from '../firmware/capability.ts';

const test = suite('abi loop');
const linesMax = 26;
const endMs = 1_500_000;
/** A call of tick() at which a liveness tick begins comes so late that frames come before it. */
const latenessMs = 100;

interface Input {
  call: 'receive' | 'observe' | 'tick';
  input?: Uint8Array;
  atMs: number;
}

type Run = (fw: WebAssembly.Exports, config: Uint8Array, platform: object) => Promise<void>;

const [{ code }] = examplesOf(readPage('abi.md'), 'js');

const config = encodeConfig(
  {
    ...{ cluster: testCluster, self: 0, members: 3, generation: 1, seed: 1, features: FEATURE.plans },
    ...{ ...capability, batteryWh: 6000 },
  },
  [{ name: 'group', group: 1, kind: 1, units: 3, capacity: 2000, stockKg: 1_000_000, loadKg: 0 }],
  { incarnation: 1, timeKnown: true, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 },
  testKeys.member(0),
);

/**
 * What comes from outside: frames of two members, some of them out of their time, and telemetry.
 */
function script(): Input[] {
  const frames = new SealedFrames();
  const inputs: Input[] = [];
  for (let atMs = 20_050; atMs < endMs; atMs += 20_000) {
    const seconds = Math.floor(atMs / 1000);
    const probe = frames.frame(1 + (seconds % 2), [{ name: 'probe', sequence: seconds % 256 }], seconds);
    inputs.push({ call: 'receive', input: probe, atMs });
    if (seconds % 3 === 0) inputs.push({ call: 'receive', input: probe.subarray(0, probe.length - 1), atMs });
    if (seconds % 100 === 0) {
      const health = { name: 'health', tasks: 0xff, batteryWh: 5000, storedKg: 0, solarW: 1000 } as const;
      inputs.push({ call: 'observe', input: encodeMessage(health), atMs: atMs + 1 });
    }
  }
  return inputs;
}

/** The answer to a command; null: it needs none. */
function answerTo(command: Uint8Array): Uint8Array | null {
  const [type, cycle] = recordFields(command);
  return type === TYPE.reserveCounters ? encodeMessage({ name: 'counters-reserved', cycle }) : null;
}

/** Inputs of the script, ticks when they are due, and answers at once. */
class Platform {
  readonly outputs: string[] = [];
  #inputs = script();
  #answers: Uint8Array[] = [];
  #nowMs = 0;

  #note(kind: string, bytes: Uint8Array): void {
    this.outputs.push(`${this.#nowMs} ${kind} ${Buffer.from(bytes).toString('hex')}`);
  }

  send = (frame: Uint8Array) => this.#note('frame', frame);
  report = (event: Uint8Array) => this.#note('event', event);
  obey = (command: Uint8Array) => {
    this.#note('command', command);
    const answer = answerTo(command);
    if (answer !== null) this.#answers.push(answer);
  };

  next(tickAtMs: number): Input | null {
    const answer = this.#answers.shift();
    if (answer !== undefined) return { call: 'observe', input: answer, atMs: this.#nowMs };
    const first = this.#inputs[0];
    // Late by more than a TDMA slot, a tick would send nothing.
    const atMs = tickAtMs + (tickAtMs % (1000 * LIVENESS_TICK_S) === 0 ? latenessMs : 0);
    const isTickDue = first === undefined || atMs <= first.atMs;
    const input: Input = isTickDue ? { call: 'tick', atMs } : (this.#inputs.shift() as Input);
    this.#nowMs = input.atMs;
    return input.atMs > endMs ? null : input;
  }

  async *inputs(tickAtMs: () => number): AsyncGenerator<Input> {
    for (let input = this.next(tickAtMs()); input !== null; input = this.next(tickAtMs())) yield input;
  }
}

function runPlatformLoop(): string[] {
  const platform = new Platform();
  const node = new ImageNode(loadV8Engine('flight'));
  const take = ({ frames, commands, events }: Outputs) => {
    frames.forEach(platform.send);
    commands.forEach(platform.obey);
    events.forEach(platform.report);
  };
  take(node.boot(config, BOOT_CAUSE.powerOn, 0));
  for (let input = platform.next(node.tickAtMs); input !== null; input = platform.next(node.tickAtMs)) {
    const { call, atMs } = input;
    if (call === 'tick') take(node.tick(atMs));
    else take(node[call](input.input as Uint8Array, atMs));
  }
  return platform.outputs;
}

test(`docs/abi.md: the loop in at most ${linesMax} lines does what the platform's loop does`, async () => {
  assert.ok(code.trimEnd().split('\n').length <= linesMax);
  const { run } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as { run: Run };
  const { instance } = await WebAssembly.instantiate(readFileSync(imagePath('flight')), {});
  const platform = new Platform();
  let tickFirst = 0;
  const receive = (...words: number[]): number => {
    const status = (instance.exports.receive as (...words: number[]) => number)(...words);
    if ((status & STATUS_MASK) === STATUS.tickFirst) tickFirst += 1;
    return status;
  };
  await run({ ...instance.exports, receive }, config, platform);
  assert.ok(tickFirst > 0, 'no frame came before a tick that was due');
  const expected = runPlatformLoop();
  for (const kind of ['frame', 'command', 'event']) {
    const ofKind = (outputs: string[]) => outputs.filter((output) => output.includes(` ${kind} `));
    assert.equal(ofKind(platform.outputs), ofKind(expected));
    assert.ok(ofKind(expected).length > 2, `too few: ${kind}`);
  }
});

test.run();

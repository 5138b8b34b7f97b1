/** What one node of a simulated cluster is called with, from its power-on: every call into the image, in order, with inputs and results. */
import { createV8Engine } from '../../../host/engine/v8.ts';
import type { Engine, FirmwareCalls } from '../../../host/engine/engine.ts';
import { STATUS, STATUS_MASK } from '../../../host/engine/status.ts';
import { decodeFrame, type LinkCipher } from '../../../host/cbor/frame.ts';
import { simulatedLink } from '../../../host/security/provision.ts';
import type { Preset } from '../../../host/build/root.ts';
import { applyOverrides, loadBody, loadScenario } from '../../../host/cli/input.ts';
import { readImage } from '../../cli/sim.ts';
import type { PortInput } from '../../emulator/port.ts';
import { runScenario } from '../../fleet/run.ts';
import type { Scenario } from '../../scenario/schema.ts';
import { firmwareConstants } from './layout.ts';
import { place, type Script, type ScriptCall } from './script.ts';

export interface RecordedCall {
  op: ScriptCall;
  /** For `receive`: the messages of the frame. For `tick`: 'plan' when the plan was worked on, 'work' when anything else changed but clocks and queues. */
  about: string;
  nowS: number;
  nowMs: number;
  /** The frame, the record or the configuration. */
  bytes: Uint8Array;
  /** For boot: the cause. */
  cause: number;
  result: number;
}

export interface Recording {
  calls: RecordedCall[];
  /** Mission seconds from the node's power-on to the last call. */
  seconds: number;
  nodes: number;
  node: number;
}

export interface RecordOptions {
  /** Name of a shipped one, a file, or the scenario itself. */
  scenario: string | Scenario;
  preset: Preset;
  nodes: number;
  node: number;
  days: number;
  seed: number;
}

const empty = new Uint8Array(0);
/** `inspect` words of the schedule (firmware/edge/inspect.ts): they change whenever the plan is worked on. */
const whatSchedule = 10;

function messagesOf(frame: Uint8Array, link: LinkCipher): string {
  const names = decodeFrame(frame, link).messages.map(({ name }) => name);
  return [...new Set(names)].sort().join('+');
}

/** What a node knows: bytes [from, end) of its context without identity, clocks, queues, and the state of protection. */
function knownRanges(preset: Preset): [number, number][] {
  const constants = firmwareConstants(preset);
  const at = (name: string) => constants.get(name)!;
  return [
    [at('MEMBERSHIP_AT'), at('EDGE_AT')],
    [at('HEARING_AT'), at('PROTECTION_AT')],
    [at('BUCKETS_AT'), at('COMMANDS_AT')],
  ];
}

/** Wraps an engine so that calls about the context that is reserved as number `node` are written down. */
function recorder(engine: Engine, preset: Preset, node: number, link: LinkCipher, calls: RecordedCall[]): Engine {
  let reserved = 0;
  let ctx = -1;
  let inspectAt = -1;
  const known = knownRanges(preset);
  const bare = engine.calls;
  const bytes = (at: number, length: number) => engine.view().slice(at, at + length);
  const add = (op: ScriptCall, nowS: number, nowMs: number, result: number, input = empty, about = '', cause = 0) => {
    calls.push({ op, about, nowS, nowMs, bytes: input, cause, result: result >>> 0 });
    return result;
  };
  const schedule = (): string => {
    const words = bare.inspect(ctx, whatSchedule, 0, inspectAt, 256);
    return Buffer.from(bytes(inspectAt, words * 4)).toString('hex');
  };
  const tables = () => Buffer.concat(known.map(([from, end]) => bytes(ctx + from, end - from)));
  /** Calls `tick` and says what it did. */
  const watchTick = (nowS: number, nowMs: number): number => {
    const [plan, before] = [schedule(), tables()];
    const result = bare.tick(ctx, nowS, nowMs);
    const about = schedule() !== plan ? 'plan' : tables().equals(before) ? '' : 'work';
    return add('tick', nowS, nowMs, result, empty, about);
  };
  const watched: Partial<FirmwareCalls> = {
    boot(of, config, length, cause, nowS, nowMs) {
      const result = bare.boot(of, config, length, cause, nowS, nowMs);
      return of === ctx ? add('boot', nowS, nowMs, result, bytes(config, length), '', cause) : result;
    },
    receive(of, nowS, nowMs, frame, length) {
      const input = of === ctx ? bytes(frame, length) : empty;
      const result = bare.receive(of, nowS, nowMs, frame, length);
      return of === ctx ? add('receive', nowS, nowMs, result, input, messagesOf(input, link)) : result;
    },
    observe(of, nowS, nowMs, record, length) {
      const input = of === ctx ? bytes(record, length) : empty;
      const result = bare.observe(of, nowS, nowMs, record, length);
      return of === ctx ? add('observe', nowS, nowMs, result, input) : result;
    },
    tick(of, nowS, nowMs) {
      return of === ctx ? watchTick(nowS, nowMs) : bare.tick(of, nowS, nowMs);
    },
    transmit(of, nowS, nowMs, out, capacity) {
      const result = bare.transmit(of, nowS, nowMs, out, capacity);
      return of === ctx ? add('transmit', nowS, nowMs, result) : result;
    },
    command(of, out, capacity) {
      const result = bare.command(of, out, capacity);
      return of === ctx ? add('command', 0, 0, result) : result;
    },
    event(of, out, capacity) {
      const result = bare.event(of, out, capacity);
      return of === ctx ? add('event', 0, 0, result) : result;
    },
    deadline(of, nowS, nowMs) {
      const result = bare.deadline(of, nowS, nowMs);
      return of === ctx ? add('deadline', nowS, nowMs, result) : result;
    },
  };
  return {
    ...engine,
    calls: { ...bare, ...watched },
    reserve(size) {
      if (inspectAt < 0) inspectAt = engine.reserve(256);
      const at = engine.reserve(size);
      if (size === engine.image.contextBytes && reserved++ === node) ctx = at;
      return at;
    },
  };
}

/** Flies the scenario and writes down what the node was called with. Throws when it was booted more than once: then it is no typical node. */
export function recordNode({ node, ...flight }: RecordOptions): Recording {
  return recordNodes(flight, [node])[0];
}

/** Likewise of several nodes of one flight. */
export function recordNodes(options: Omit<RecordOptions, 'node'>, recorded: readonly number[]): Recording[] {
  const { nodes, days, seed, preset } = options;
  const given = typeof options.scenario === 'string' ? loadScenario(options.scenario) : options.scenario;
  const scenario = applyOverrides(given, { days, seed, nodes });
  const recordings = recorded.map((node): Recording => ({ calls: [], seconds: days * 86_400, nodes, node }));
  const engine = recordings.reduce(
    (inner, { node, calls }) => recorder(inner, preset, node, simulatedLink(seed, nodes), calls),
    createV8Engine(readImage(preset)),
  );
  const body = loadBody(scenario.body, undefined, () => {});
  runScenario(scenario, { seed, days, nodes, body, engine });
  for (const { node, calls } of recordings) {
    const boots = calls.filter(({ op }) => op === 'boot').length;
    if (boots !== 1)
      throw new Error(`node ${node} of ${scenario.name} booted ${boots} times: record another node or seed`);
  }
  return recordings;
}

const frameRoom = 256;
const recordRoom = 256;

/** Adds a recorded call to a script. Returns the number of its entry. */
export function replay(script: Script, call: RecordedCall): number {
  const { op, nowS, nowMs, bytes, cause } = call;
  switch (op) {
    case 'boot':
      script.write(place.config, bytes);
      return script.call('boot', place.context, place.config, bytes.length, cause, nowS, nowMs);
    case 'receive':
      script.write(place.frame, bytes);
      return script.call('receive', place.context, nowS, nowMs, place.frame, bytes.length);
    case 'observe':
      script.write(place.record, bytes);
      return script.call('observe', place.context, nowS, nowMs, place.record, bytes.length);
    case 'tick':
    case 'deadline':
      return script.call(op, place.context, nowS, nowMs);
    case 'transmit':
      return script.call('transmit', place.context, nowS, nowMs, place.frame, frameRoom);
    case 'command':
    case 'event':
      return script.call(op, place.context, place.record, recordRoom);
    default:
      throw new Error(`a recording has no ${op}`);
  }
}

/** Makes a recorded call on an engine; the call's bytes lie at `at`, where outputs go as well. */
export function repeatOn(calls: FirmwareCalls, call: RecordedCall, ctx: number, at: number): number {
  const { op, nowS, nowMs, bytes, cause } = call;
  if (op === 'boot') return calls.boot(ctx, at, bytes.length, cause, nowS, nowMs);
  if (op === 'receive' || op === 'observe') return calls[op](ctx, nowS, nowMs, at, bytes.length);
  if (op === 'tick' || op === 'deadline') return calls[op](ctx, nowS, nowMs);
  if (op === 'transmit') return calls.transmit(ctx, nowS, nowMs, at, 256);
  if (op === 'command' || op === 'event') return calls[op](ctx, at, 256);
  throw new Error(`a recording has no ${op}`);
}

/** True when a `receive` let its frame in. */
export const accepted = (call: RecordedCall): boolean => (call.result & STATUS_MASK) === STATUS.ok;

/** A recording as inputs over a board's line: polls, and ticks that must come before a frame, are the board's own. `hashed`: each answer carries the hash. */
export function portInputs(recording: Recording, hashed = false): PortInput[] {
  const inputs: PortInput[] = [];
  let own = 0;
  for (const { op, nowS, nowMs, bytes, cause, result } of recording.calls) {
    const time = { nowS, nowMs };
    if (own > 0 && (op === 'tick' || op === 'receive')) own -= 1;
    else if (op === 'boot') inputs.push({ kind: 'boot', cause, hashed, config: bytes, ...time });
    else if (op === 'receive') inputs.push({ kind: 'frame', bytes, ...time });
    else if (op === 'observe') inputs.push({ kind: 'record', bytes, ...time });
    else if (op === 'tick') inputs.push({ kind: 'tick', ...time });
    // The board ticks, and gives the frame again.
    if (op === 'receive' && (result & STATUS_MASK) === STATUS.tickFirst) own = 2;
  }
  return inputs;
}

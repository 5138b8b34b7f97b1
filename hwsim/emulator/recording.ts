/**
 * Records every call that a simulated cluster makes into the image for some of its nodes: in order,
 * with inputs and results.
 */
import type { Preset } from '../../host/build/root.ts';
import { decodeFrame, type LinkCipher } from '../../host/security/frame.ts';
import type { Engine, FirmwareCalls } from '../../host/engine/engine.ts';
import { STATUS, STATUS_MASK } from '../../host/cbor/generated.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { outputBytes } from '../../host/platform/loop.ts';
import { simulatedLink } from '../../host/security/simulated_keys.ts';
import { runScenario } from '../fleet/run.ts';
import { shippedScenario, withOverrides } from '../scenario/load.ts';
import type { Scenario } from '../scenario/schema.ts';
import { shippedBody } from '../world/bodies.ts';
import { firmwareConstants } from './memory_map.ts';
import type { PortInput } from '../board/port.ts';

/** Exports of the image that a recording may contain. */
export type RecordedOp = 'boot' | 'receive' | 'observe' | 'tick' | 'transmit' | 'command' | 'event';

export interface RecordedCall {
  op: RecordedOp;
  /**
   * For `receive`: the names of the frame's messages. For `tick`: 'plan' when the plan changed,
   * 'work' when anything else changed but clocks and queues.
   */
  about: string;
  nowS: number;
  nowMs: number;
  /** The frame, the record or the configuration. */
  bytes: Uint8Array;
  /** Of `boot`: the cause. */
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
  /** The name of a shipped scenario, or the scenario itself. */
  scenario: string | Scenario;
  preset: Preset;
  nodes: number;
  node: number;
  days: number;
  seed: number;
}

const empty = new Uint8Array(0);
/**
 * `inspect` of the schedule (firmware/edge/inspect.ts): its words change whenever the plan changes.
 */
const whatSchedule = 10;
const inspectBytesMax = 256;

function messageNames(frame: Uint8Array, link: LinkCipher): string {
  const names = decodeFrame(frame, link).messages.map(({ name }) => name);
  return [...new Set(names)].sort().join('+');
}

/**
 * Ranges [from, end) of a context that hold what a node knows. Identity, clocks, queues and the
 * state of the protection are left out.
 */
function knowledgeRanges(preset: Preset): [number, number][] {
  const constants = firmwareConstants(preset);
  const at = (name: string) => constants.get(name)!;
  return [
    [at('MEMBERSHIP_AT'), at('NODE_AT')],
    [at('HEARING_AT'), at('PROTECTION_AT')],
    [at('BUCKETS_AT'), at('COMMANDS_AT')],
  ];
}

/** Wraps an engine: records the calls about one context, and passes all others on. */
class CallRecorder {
  readonly engine: Engine;
  readonly #inner: Engine;
  readonly #node: number;
  readonly #link: LinkCipher;
  readonly #calls: RecordedCall[];
  readonly #knowledge: readonly [number, number][];
  #contexts = 0;
  #context = -1;
  #inspectAt = -1;

  /**
   * `recording.node`: the context that is reserved as number `node` is recorded, into
   * `recording.calls`.
   */
  constructor(inner: Engine, preset: Preset, recording: Recording, link: LinkCipher) {
    this.#inner = inner;
    this.#node = recording.node;
    this.#calls = recording.calls;
    this.#link = link;
    this.#knowledge = knowledgeRanges(preset);
    this.engine = {
      ...inner,
      calls: { ...inner.calls, ...this.#inputCalls(), ...this.#outputCalls() },
      reserve: (bytes) => this.#reserve(bytes),
    };
  }

  #reserve(bytes: number): number {
    if (this.#inspectAt < 0) this.#inspectAt = this.#inner.reserve(inspectBytesMax);
    const at = this.#inner.reserve(bytes);
    if (bytes !== this.#inner.image.contextBytes) return at;
    if (this.#contexts === this.#node) this.#context = at;
    this.#contexts += 1;
    return at;
  }

  #copy(at: number, length: number): Uint8Array {
    return this.#inner.view().slice(at, at + length);
  }

  #add(call: Partial<RecordedCall> & Pick<RecordedCall, 'op' | 'result'>): number {
    this.#calls.push({ about: '', nowS: 0, nowMs: 0, bytes: empty, cause: 0, ...call, result: call.result >>> 0 });
    return call.result;
  }

  #schedule(): string {
    const { calls } = this.#inner;
    const words = calls.inspect(this.#context, whatSchedule, 0, this.#inspectAt, inspectBytesMax);
    return Buffer.from(this.#copy(this.#inspectAt, words * 4)).toString('hex');
  }

  #knowledgeBytes(): Buffer {
    return Buffer.concat(this.#knowledge.map(([from, end]) => this.#copy(this.#context + from, end - from)));
  }

  /** Makes the tick and records what it changed. */
  #tick(nowS: number, nowMs: number): number {
    const [schedule, knowledge] = [this.#schedule(), this.#knowledgeBytes()];
    const result = this.#inner.calls.tick(this.#context, nowS, nowMs);
    const worked = !this.#knowledgeBytes().equals(knowledge);
    const about = this.#schedule() !== schedule ? 'plan' : worked ? 'work' : '';
    return this.#add({ op: 'tick', nowS, nowMs, result, about });
  }

  #inputCalls(): Partial<FirmwareCalls> {
    const { calls } = this.#inner;
    return {
      boot: (context, config, length, cause, nowS, nowMs) => {
        const result = calls.boot(context, config, length, cause, nowS, nowMs);
        if (context !== this.#context) return result;
        return this.#add({ op: 'boot', nowS, nowMs, result, bytes: this.#copy(config, length), cause });
      },
      receive: (context, nowS, nowMs, frame, length) => {
        if (context !== this.#context) return calls.receive(context, nowS, nowMs, frame, length);
        const bytes = this.#copy(frame, length);
        const result = calls.receive(context, nowS, nowMs, frame, length);
        return this.#add({ op: 'receive', nowS, nowMs, result, bytes, about: messageNames(bytes, this.#link) });
      },
      observe: (context, nowS, nowMs, record, length) => {
        if (context !== this.#context) return calls.observe(context, nowS, nowMs, record, length);
        const bytes = this.#copy(record, length);
        return this.#add({
          op: 'observe',
          nowS,
          nowMs,
          result: calls.observe(context, nowS, nowMs, record, length),
          bytes,
        });
      },
      tick: (context, nowS, nowMs) =>
        context === this.#context ? this.#tick(nowS, nowMs) : calls.tick(context, nowS, nowMs),
    };
  }

  #outputCalls(): Partial<FirmwareCalls> {
    const { calls } = this.#inner;
    return {
      transmit: (context, nowS, nowMs, out, capacity) => {
        const result = calls.transmit(context, nowS, nowMs, out, capacity);
        return context === this.#context ? this.#add({ op: 'transmit', nowS, nowMs, result }) : result;
      },
      command: (context, out, capacity) => {
        const result = calls.command(context, out, capacity);
        return context === this.#context ? this.#add({ op: 'command', result }) : result;
      },
      event: (context, out, capacity) => {
        const result = calls.event(context, out, capacity);
        return context === this.#context ? this.#add({ op: 'event', result }) : result;
      },
    };
  }
}

/**
 * Flies the scenario and records the calls of one node. Throws when the node booted more than once:
 * it is not typical.
 */
export function recordNode({ node, ...flight }: RecordOptions): Recording {
  return recordNodes(flight, [node])[0];
}

/** Flies the scenario once and records the calls of several nodes. */
export function recordNodes(options: Omit<RecordOptions, 'node'>, recorded: readonly number[]): Recording[] {
  const { nodes, days, seed, preset } = options;
  const given = typeof options.scenario === 'string' ? shippedScenario(options.scenario) : options.scenario;
  const scenario = withOverrides(given, { days, seed, nodes });
  const recordings = recorded.map((node): Recording => ({ calls: [], seconds: days * 86_400, nodes, node }));
  const link = simulatedLink(seed, nodes);
  const engine = recordings.reduce(
    (inner, recording) => new CallRecorder(inner, preset, recording, link).engine,
    loadV8Engine(preset),
  );
  runScenario(scenario, { seed, days, nodes, body: shippedBody(scenario.body), engine });
  for (const { node, calls } of recordings) {
    const boots = calls.filter(({ op }) => op === 'boot').length;
    if (boots !== 1)
      throw new Error(`node ${node} of ${scenario.name} booted ${boots} times: record another node or seed`);
  }
  return recordings;
}

/** True when a poll gave no output: it does not count as an operation. */
export const isEmptyPoll = ({ op, result }: RecordedCall): boolean =>
  (op === 'transmit' || op === 'command' || op === 'event') && outputBytes(result) === 0;

/** True when a `receive` accepted its frame. */
export const accepted = (call: RecordedCall): boolean => (call.result & STATUS_MASK) === STATUS.ok;

/**
 * Converts a recording to inputs on a board's serial line. Polls are left out, and so are ticks
 * that a frame asked for: the board makes them itself. `hashed`: each answer carries the context's
 * hash.
 */
export function portInputs(recording: Recording, hashed = false): PortInput[] {
  const inputs: PortInput[] = [];
  /** Recorded calls that the board makes itself. */
  let madeByBoard = 0;
  for (const { op, nowS, nowMs, bytes, cause, result } of recording.calls) {
    const time = { nowS, nowMs };
    if (madeByBoard > 0 && (op === 'tick' || op === 'receive')) madeByBoard -= 1;
    else if (op === 'boot') inputs.push({ kind: 'boot', cause, hashed, config: bytes, ...time });
    else if (op === 'receive') inputs.push({ kind: 'frame', bytes, ...time });
    else if (op === 'observe') inputs.push({ kind: 'record', bytes, ...time });
    else if (op === 'tick') inputs.push({ kind: 'tick', ...time });
    // The board ticks, then receives the frame again.
    if (op === 'receive' && (result & STATUS_MASK) === STATUS.tickFirst) madeByBoard = 2;
  }
  return inputs;
}

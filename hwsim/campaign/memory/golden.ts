/** Flies the cluster without any upset and records every call of every node: the golden run. */
import type { ImageFacts } from '../../../host/engine/engine.ts';
import { outputBytes } from '../../../host/platform/loop.ts';
import { runScenario, type RunFacts } from '../../fleet/run.ts';
import type { TraceConsumer } from '../../kernel/trace.ts';
import type { Scenario } from '../../scenario/schema.ts';
import type { Body } from '../../world/bodies.ts';
import { ClusterEngine, isStore } from './cluster_engine.ts';
import { type Call, emptyCall, type Layout, layoutOf, Machine, op, type Program, yields } from './machine.ts';

/** Calls between two snapshots of a node's state. */
const snapshotCalls = 50;
const pageBytes = 1024;

/**
 * Keeps a node's state every `snapshotCalls` calls, in pages. A page that did not change is shared
 * with the snapshot before.
 */
class Snapshots {
  readonly #taken: Uint8Array[][] = [];

  take(state: Uint8Array): void {
    const before = this.#taken.at(-1);
    const pages: Uint8Array[] = [];
    for (let at = 0; at < state.length; at += pageBytes) {
      const page = state.subarray(at, at + pageBytes);
      const old = before?.[pages.length];
      pages.push(old !== undefined && Buffer.compare(old, page) === 0 ? old : page.slice());
    }
    this.#taken.push(pages);
  }

  /**
   * Sets changed[w] for each word w of the state's first `bytes` bytes that changed between two
   * snapshots.
   */
  markChanges(changed: Uint8Array, bytes: number): void {
    for (let number = 0; number * pageBytes < bytes; number += 1)
      for (let taken = 1; taken < this.#taken.length; taken += 1) {
        const page = this.#taken[taken][number];
        const before = this.#taken[taken - 1][number];
        if (before === page) continue;
        const end = Math.min(page.length, bytes - number * pageBytes);
        for (let at = 0; at < end; at += 1) if (page[at] !== before[at]) changed[(number * pageBytes + at) >> 2] = 1;
      }
  }

  /**
   * Restores the last snapshot taken before call `index`; returns the call before which it was
   * taken.
   */
  restore(state: Uint8Array, index: number): number {
    const from = Math.min(Math.floor(index / snapshotCalls), this.#taken.length - 1);
    const pages = this.#taken[from];
    for (let number = 0; number < pages.length; number += 1) state.set(pages[number], number * pageBytes);
    return from * snapshotCalls;
  }
}

/** One node's calls in order, with all inputs and outputs. */
export class CallLog {
  count = 0;
  op = new Uint8Array(1 << 12);
  nowS = new Uint32Array(1 << 12);
  nowMs = new Uint16Array(1 << 12);
  result = new Int32Array(1 << 12);
  /**
   * Where inputs or outputs lie in `bytes`: frame or record; configuration, then checkpoint image.
   */
  at = new Uint32Array(1 << 12);
  length = new Uint32Array(1 << 12);
  imageLength = new Uint32Array(1 << 12);
  cause = new Uint8Array(1 << 12);
  /** True mission time of the call, approximate, ms. */
  timeMs = new Float64Array(1 << 12);
  bytes = new Uint8Array(1 << 20);
  readonly snapshots = new Snapshots();
  /** Calls that gave a `store-checkpoint`, and the context that each stored. */
  readonly stores: number[] = [];
  readonly storedBlocks = new Map<number, Uint8Array>();
  /** What `inspect` showed between calls, by calls made and question. */
  readonly #shown = new Map<string, Uint8Array>();
  #used = 0;

  /** Adds a call. Its output, if it has one, lies at `outputAt` in `output`. */
  add(call: Call, result: number, output: Uint8Array, outputAt: number, timeMs: number): void {
    const index = this.count;
    if (index === this.op.length) this.#grow();
    this.count = index + 1;
    this.op[index] = call.op;
    this.nowS[index] = call.nowS;
    this.nowMs[index] = call.nowMs;
    this.cause[index] = call.cause;
    this.result[index] = result;
    this.timeMs[index] = timeMs;
    this.at[index] = this.#used;
    if (yields(call.op)) {
      this.length[index] = outputBytes(result);
      this.#append(output, outputAt, this.length[index]);
      if (call.op === op.command && this.length[index] > 0 && isStore(output, outputAt)) this.stores.push(index);
      return;
    }
    this.length[index] = call.length;
    this.#append(call.source, call.at, call.length);
    this.imageLength[index] = call.op === op.restore ? call.imageLength : 0;
    this.#append(call.source, call.imageAt, this.imageLength[index]);
  }

  /**
   * Returns what `inspect` showed after the first `calls` calls. Throws when the golden run did not
   * ask.
   */
  shown(calls: number, what: number, index: number): Uint8Array {
    const bytes = this.#shown.get(`${calls} ${what} ${index}`);
    if (bytes === undefined) throw new Error(`the golden run did not inspect ${what}/${index} after ${calls} calls`);
    return bytes;
  }

  keepShown(what: number, index: number, bytes: Uint8Array): void {
    this.#shown.set(`${this.count} ${what} ${index}`, bytes);
  }

  /** Fills `call` with the inputs of call `index`. */
  read(index: number, call: Call): void {
    call.op = this.op[index];
    call.nowS = this.nowS[index];
    call.nowMs = this.nowMs[index];
    call.cause = this.cause[index];
    call.source = this.bytes;
    call.at = this.at[index];
    call.length = yields(call.op) ? 0 : this.length[index];
    call.imageAt = call.at + call.length;
    call.imageLength = this.imageLength[index];
  }

  #append(from: Uint8Array, at: number, length: number): void {
    while (this.#used + length > this.bytes.length) this.bytes = doubled(this.bytes);
    for (let index = 0; index < length; index += 1) this.bytes[this.#used + index] = from[at + index];
    this.#used += length;
  }

  #grow(): void {
    this.op = doubled(this.op);
    this.nowS = doubled(this.nowS);
    this.nowMs = doubled(this.nowMs);
    this.result = doubled(this.result);
    this.at = doubled(this.at);
    this.length = doubled(this.length);
    this.imageLength = doubled(this.imageLength);
    this.cause = doubled(this.cause);
    this.timeMs = doubled(this.timeMs);
  }
}

function doubled<T extends Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array>(from: T): T {
  const to = new (from.constructor as new (length: number) => T)(from.length * 2);
  to.set(from as never);
  return to;
}

class RecordingEngine extends ClusterEngine {
  readonly logs: CallLog[];

  constructor(machines: readonly Machine[], image: ImageFacts) {
    super(machines, image);
    this.logs = machines.slice(1).map(() => new CallLog());
  }

  protected override run(node: number, call: Call): number {
    const machine = this.machines[node];
    const log = this.logs[node];
    if (log.count % snapshotCalls === 0) log.snapshots.take(machine.state);
    const result = machine.invoke(call);
    log.add(call, result, machine.bytes, machine.outputAt(call.op), this.timeMs);
    if (log.stores.at(-1) === log.count - 1)
      log.storedBlocks.set(log.count - 1, machine.bytes.slice(machine.program.context, machine.program.stateTo));
    return result;
  }

  protected override show(node: number, what: number, index: number): Uint8Array {
    const bytes = super.show(node, what, index);
    this.logs[node].keepShown(what, index, bytes);
    return bytes;
  }
}

/** Everything that determines a run of the cluster, besides the image. */
export interface RunSetup {
  scenario: Scenario;
  body: Body;
  seed: number;
  hours: number;
}

export interface Golden {
  setup: RunSetup;
  facts: RunFacts;
  logs: CallLog[];
  layout: Layout;
}

/** Returns the options of `runScenario` for a run on this engine. */
export const flightOptions = (
  { scenario, body, seed, hours }: RunSetup,
  engine: ClusterEngine,
  consumers: TraceConsumer[],
) => ({
  seed,
  days: hours / 24,
  nodes: scenario.nodes,
  body,
  engine,
  consumers: [engine.clock, ...consumers],
});

/** Makes a machine per node, and the host's own. */
export function machinesFor(program: Program, nodes: number): Machine[] {
  return Array.from({ length: nodes + 1 }, () => new Machine(program));
}

/** Flies the run without any upset and records every call. Throws when the firmware traps. */
export function recordGolden(
  program: Program,
  image: ImageFacts,
  setup: RunSetup,
  consumers: TraceConsumer[] = [],
): Golden {
  const engine = new RecordingEngine(machinesFor(program, setup.scenario.nodes), image);
  const facts = runScenario(setup.scenario, flightOptions(setup, engine, consumers));
  if (facts.traps.length > 0)
    throw new Error(`the run traps without any upset: node ${facts.traps[0].node}, site ${facts.traps[0].site}`);
  return { setup, facts, logs: engine.logs, layout: layoutOf(engine.machines[0]) };
}

/** Repeats the calls of a log in order; `before` is called before each. */
export function replayLog(machine: Machine, log: CallLog, before: (index: number) => void): void {
  const call = emptyCall();
  machine.renew();
  for (let index = 0; index < log.count; index += 1) {
    before(index);
    log.read(index, call);
    if (machine.invoke(call) !== log.result[index])
      throw new Error(`call ${index} of the golden run gives another result when it is repeated`);
  }
}

/** Brings a machine to the golden run's state before call `index`. */
export function rewind(machine: Machine, log: CallLog, index: number): void {
  const call = emptyCall();
  for (let made = log.snapshots.restore(machine.state, index); made < index; made += 1) {
    log.read(made, call);
    machine.invoke(call);
  }
}

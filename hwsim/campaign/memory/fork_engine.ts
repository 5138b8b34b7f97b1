import type { FirmwareCalls, ImageFacts } from '../../../host/engine/engine.ts';
import { STATUS, STATUS_MASK } from '../../../host/cbor/generated.ts';
import { outputBytes } from '../../../host/platform/loop.ts';
import { simulatedLink } from '../../../host/security/simulated_keys.ts';
import type { ReportedUpsets } from '../upset_events.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import { ClusterEngine } from './cluster_engine.ts';
import { flip, StuckBit, type Upset } from './draw.ts';
import type { Evidence } from './evidence.ts';
import { type CallLog, type Golden, rewind } from './golden.ts';
import { type Call, isTrap, type Machine, op } from './machine.ts';
import { Outputs } from './outputs.ts';
import { Replica } from './replica.ts';

/** What is injected before call `call` of node `node`. */
export type Injection = { node: number; call: number } & (
  | { how: 'upset'; upset: Upset }
  /** Words (byte address ÷ 4) that the replay found to differ, and their values. */
  | { how: 'words'; words: readonly number[]; values: readonly number[]; upsets: ReportedUpsets; stuck: Upset | null }
  /** The call traps at this site, or hangs, as the replay found it. */
  | { how: 'trap'; site: number; hang: boolean }
);

/** Machines besides the nodes' own, and the host's memory; reused from fork to fork. */
export interface Spares {
  replica: Machine;
  alternative: Machine;
  bookkeeping: Bookkeeping;
  host: Uint8Array;
}

/** Marks the call before which the fault is injected: no call has this result. */
const injectionDue = -0x8000_0000;

function stuckBitOf(injection: Injection, machine: Machine): StuckBit | null {
  if (injection.how === 'upset' && injection.upset.model === 'stuck') return new StuckBit(injection.upset, machine);
  return injection.how === 'words' && injection.stuck !== null ? new StuckBit(injection.stuck, machine) : null;
}

/** A trap that is injected, not met. */
class InjectedTrap extends Error {}

/**
 * Runs the cluster with one injected node: plays the golden run back until the injection, and
 * computes from then on.
 */
export class ForkEngine extends ClusterEngine {
  readonly replica: Replica;
  readonly #injection: Injection;
  readonly #alternative: Machine;
  readonly #logs: readonly CallLog[];
  /** Calls made so far, by node. */
  readonly #counts: Uint32Array;
  /** By node: 1 when its machine was brought to the golden state and computes. */
  readonly #rewound: Uint8Array;
  #isPlayback = true;
  #stuck: StuckBit | null = null;
  /** Calls that compute. */
  readonly #computed: FirmwareCalls;

  constructor(
    machines: readonly Machine[],
    image: ImageFacts,
    spares: Spares,
    { logs, layout, setup }: Golden,
    injection: Injection,
  ) {
    super(machines, image, spares.host);
    this.#logs = logs;
    this.#counts = new Uint32Array(logs.length);
    this.#rewound = new Uint8Array(logs.length);
    this.#injection = injection;
    this.#alternative = spares.alternative;
    const link = simulatedLink(setup.seed, setup.scenario.nodes);
    this.replica = new Replica({
      outputs: (evidence) => new Outputs(evidence, layout, link),
      machine: spares.replica,
      bookkeeping: spares.bookkeeping,
      clock: this,
    });
    this.#computed = { ...this.calls };
    Object.assign(this.calls, this.#playbackCalls());
  }

  get evidence(): Evidence {
    return this.replica.evidence;
  }

  override isTrap(error: unknown): boolean {
    return isTrap(error) || error instanceof InjectedTrap;
  }

  // ---- playback ----

  /**
   * Returns calls that repeat results and outputs of the golden run without computing anything, up
   * to the injection. (Most of a fork's time passes before it.)
   */
  #playbackCalls(): Partial<FirmwareCalls> {
    const computed = this.#computed;
    const results = this.#logs.map(({ result }) => result);
    const counts = this.#counts;
    const { node: injectedNode, call: injectedCall } = this.#injection;
    /** Returns the golden result of the node's next call, or `injectionDue`. */
    const next = (ctx: number): number => {
      const node = this.nodeOf(ctx);
      const index = counts[node];
      if (node === injectedNode && index === injectedCall) return injectionDue;
      counts[node] = index + 1;
      return results[node][index];
    };
    const nextOutput = (ctx: number, out: number): number => {
      const result = next(ctx);
      if (result !== injectionDue && outputBytes(result) > 0)
        this.#repeatOutput(this.nodeOf(ctx), out, outputBytes(result));
      return result;
    };
    const orCompute = (result: number, compute: () => number) => (result === injectionDue ? compute() : result);
    return {
      receive: (ctx, s, ms, frame, length) => orCompute(next(ctx), () => computed.receive(ctx, s, ms, frame, length)),
      observe: (ctx, s, ms, record, length) => orCompute(next(ctx), () => computed.observe(ctx, s, ms, record, length)),
      tick: (ctx, s, ms) => orCompute(next(ctx), () => computed.tick(ctx, s, ms)),
      transmit: (ctx, s, ms, out, capacity) =>
        orCompute(nextOutput(ctx, out), () => computed.transmit(ctx, s, ms, out, capacity)),
      command: (ctx, out, capacity) => orCompute(nextOutput(ctx, out), () => computed.command(ctx, out, capacity)),
      event: (ctx, out, capacity) => orCompute(nextOutput(ctx, out), () => computed.event(ctx, out, capacity)),
    };
  }

  /** Copies a golden output to where the host wants it. */
  #repeatOutput(node: number, out: number, length: number): void {
    const log = this.#logs[node];
    const index = this.#counts[node] - 1;
    const host = this.view();
    const from = log.at[index];
    for (let offset = 0; offset < length; offset += 1) host[out + offset] = log.bytes[from + offset];
    const operation = log.op[index];
    const isInjected = node === this.#injection.node;
    if (operation === op.transmit && isInjected) this.replica.outputs.learnSender(host.subarray(out, out + length));
    const block = operation === op.command ? log.storedBlocks.get(index) : undefined;
    if (block === undefined) return;
    // The host makes the checkpoint of the context that it finds there.
    this.publishContext(node, block);
    if (isInjected) this.replica.keep(block, true);
  }

  // ---- computing ----

  protected override run(node: number, call: Call): number {
    const index = this.#counts[node]++;
    const { node: injectedNode, call: injectedCall } = this.#injection;
    if (this.#isPlayback) {
      // Boots come here; the playback answers all other calls before the injection.
      if (node !== injectedNode || index !== injectedCall) return this.#logs[node].result[index];
      this.#beginComputing();
    }
    this.#rewindOnce(node, index);
    if (node === injectedNode) return this.#runInjected(index, call);
    if (call.op === op.receive && this.replica.outputs.suspects.length > 0) return this.#runReceiver(node, call);
    return this.machines[node].invoke(call);
  }

  protected override show(node: number, what: number, index: number): Uint8Array {
    const calls = this.#counts[node];
    if (this.#isPlayback) return this.#logs[node].shown(calls, what, index);
    this.#rewindOnce(node, calls);
    return super.show(node, what, index);
  }

  /** Brings a node that has computed nothing yet to the golden state before call `index`. */
  #rewindOnce(node: number, index: number): void {
    if (this.#rewound[node] !== 0) return;
    this.#rewound[node] = 1;
    rewind(this.machines[node], this.#logs[node], index);
  }

  /** From here on the nodes compute; each is rewound when it is called next. */
  #beginComputing(): void {
    this.#isPlayback = false;
    Object.assign(this.calls, this.#computed);
    const { node, call } = this.#injection;
    const machine = this.machines[node];
    this.#rewound[node] = 1;
    rewind(machine, this.#logs[node], call);
    this.replica.copy(machine);
  }

  #runInjected(index: number, call: Call): number {
    const { replica } = this;
    const machine = this.machines[this.#injection.node];
    if (index === this.#injection.call) this.#inject(machine, call.op);
    else if (isInput(call.op)) replica.nextInput(machine, call.op);
    const result = this.#invoke(machine, call);
    this.#stuck?.force(machine);
    if (call.op <= op.restore) replica.boot(call, result);
    else replica.compare(machine, call, result);
    return result;
  }

  /** Injects the fault; throws when it is a trap. */
  #inject(machine: Machine, operation: number): void {
    const injection = this.#injection;
    if (injection.how === 'trap') {
      this.replica.detect(injection.hang ? 'hang' : 'trap', injection.site, operation);
      throw new InjectedTrap();
    }
    if (injection.how === 'upset') flip(machine.bytes, injection.upset);
    else {
      for (let at = 0; at < injection.words.length; at += 1) machine.words[injection.words[at]] = injection.values[at];
      Object.assign(this.evidence, injection.upsets);
    }
    this.#stuck = stuckBitOf(injection, machine);
    this.replica.begin(operation, this.#stuck !== null);
  }

  #invoke(machine: Machine, call: Call): number {
    try {
      return machine.invoke(call);
    } catch (error) {
      if (!isTrap(error)) throw error;
      const hangs = machine.ranOut;
      this.replica.detect(hangs ? 'hang' : 'trap', hangs ? 0 : machine.calls.trap_site(), call.op);
      throw error;
    }
  }

  /**
   * Gives a receiver a frame that the replica did not send, and finds out what its state would be
   * with the right one.
   */
  #runReceiver(node: number, call: Call): number {
    const machine = this.machines[node];
    const { outputs } = this.replica;
    const suspect = outputs.suspectOf(call.source, call.at, call.length);
    if (suspect === null) return machine.invoke(call);
    const other = this.#alternative;
    other.bytes.set(machine.bytes);
    const result = machine.invoke(call);
    if ((result & STATUS_MASK) !== STATUS.ok) return result;
    if (suspect.instead !== null)
      other.invoke({ ...call, source: suspect.instead.bytes, at: 0, length: suspect.instead.bytes.length });
    if (outputs.differs(machine, other)) outputs.addEffect(suspect);
    this.replica.stopIfDecided();
    return result;
  }
}

const isInput = (operation: number) => operation === op.receive || operation === op.observe || operation === op.tick;

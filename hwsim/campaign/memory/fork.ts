import { TYPE } from '../../../host/cbor/generated.ts';
import { readRecord } from '../../../host/cbor/record.ts';
import type { ImageFacts } from '../../../host/engine/engine.ts';
import { FLAG_COMMAND, FLAG_DEADLINE, FLAG_EVENT, STATUS, STATUS_MASK } from '../../../host/engine/status.ts';
import { bootCause } from '../../../host/platform/config.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import { checkpointOf, ClusterEngine, hostBytes, isStore } from './cluster_engine.ts';
import { runScenario } from '../../fleet/run.ts';
import { layWorld } from '../../world/plan.ts';
import { flip, Stuck, type Upset } from './draw.ts';
import { type CallLog, flightOf, type Golden, machinesFor, rewind } from './golden.ts';
import { Decided, Rejoin } from './rejoin.ts';
import { type Told, takeUpset } from '../upset_events.ts';
import { recoveryHours, scrubCycleHours } from './scene.ts';
import { type Evidence, noEvidence } from './evidence.ts';
import { type Call, differingWords, emptyCall, isTrap, Machine, op, opNames, type Program } from './machine.ts';
import { Outputs } from './outputs.ts';
import { simulatedLink } from '../../../host/security/simulated_keys.ts';

/** What makes the fork differ from the golden run, before call `call` of node `node`. */
export type Strike = { node: number; call: number } & (
  | { how: 'upset'; upset: Upset }
  /** Words (byte address ÷ 4) that the replay found to differ, and their values. */
  | { how: 'words'; words: readonly number[]; values: readonly number[]; told: Told; stuck: Upset | null }
  /** The call traps at this site, or hangs, as the replay found it. */
  | { how: 'trap'; site: number; hang: boolean }
);

/** Commands by which firmware ends or restarts itself because it found something wrong. */
const ladder: ReadonlySet<number> = new Set([
  TYPE.restartTask,
  TYPE.restartRuntime,
  TYPE.resetProcessor,
  TYPE.alternateImage,
  TYPE.safeMode,
]);

const pollFlags: readonly [number, number][] = [
  [op.transmit, FLAG_DEADLINE],
  [op.command, FLAG_COMMAND],
  [op.event, FLAG_EVENT],
];
const flagOf = new Map(pollFlags);
const leftToPoll = new Map<number, number>([
  [op.transmit, FLAG_DEADLINE | FLAG_COMMAND | FLAG_EVENT],
  [op.command, FLAG_COMMAND | FLAG_EVENT],
  [op.event, FLAG_EVENT],
]);
/** No result of any call. */
const strikes = -0x8000_0000;
const allFlags = FLAG_DEADLINE | FLAG_COMMAND | FLAG_EVENT;

/** Machines besides the nodes' own. */
interface Spare {
  replica: Machine;
  alternative: Machine;
  bookkeeping: Bookkeeping;
  /** The host's memory. */
  host: Uint8Array;
}

function stuckIn(strike: Strike, machine: Machine): Stuck | null {
  if (strike.how === 'upset' && strike.upset.model === 'stuck') return new Stuck(strike.upset, machine);
  return strike.how === 'words' && strike.stuck !== null ? new Stuck(strike.stuck, machine) : null;
}

/** A trap that is made, not met. */
class MadeTrap extends Error {}

/**
 * The cluster with one struck node. Beside that node runs its replica: the same state without the upset, given the same inputs at the same times, and
 * polled in its own right. What the struck node says and the replica does not is wrong. When the struck node boots anew, so does the replica, from its own
 * checkpoints: a struck checkpoint that comes back is seen as what it is.
 */
export class ForkEngine extends ClusterEngine {
  readonly evidence: Evidence = noEvidence();
  /** Hears when the node tells that it let something go. */
  onLoss: (timeMs: number) => void = () => {};
  /** Hears when the node, back after it was found out, is what its replica is: all that is left to see is whether all agree again. */
  onAlike: () => void = () => {};
  readonly #strike: Strike;
  readonly #replica: Machine;
  readonly #bookkeeping: Bookkeeping;
  readonly #alternative: Machine;
  readonly #replicaCall = emptyCall();
  readonly #outputs: Outputs;
  readonly #fields = new Uint32Array(24);
  /** Checkpoints of the replica, newest first, and whether the struck node's is the same. */
  readonly #stored: { block: Uint8Array; same: boolean }[] = [];
  readonly #image: Uint8Array;
  readonly #logs: readonly CallLog[];
  /** Calls made so far, by node. */
  readonly #counts: Uint32Array;
  /** Nodes that compute. */
  readonly #rewound: Uint8Array;
  #playing = true;
  #stuck: Stuck | null = null;
  #armed = false;
  /** Restores tried since the node last ran. */
  #restores = 0;
  /** Polls that the replica wants before its next input. */
  #wants = 0;
  /** The site that `trap_site` is to tell of a made trap; 0: the machine's own. */
  #madeSite = 0;

  constructor(
    machines: readonly Machine[],
    image: ImageFacts,
    spare: Spare,
    { logs, layout, stage }: Golden,
    strike: Strike,
  ) {
    super(machines, image, spare.host);
    this.#logs = logs;
    this.#counts = new Uint32Array(logs.length);
    this.#rewound = new Uint8Array(logs.length);
    this.#strike = strike;
    this.#replica = spare.replica;
    this.#bookkeeping = spare.bookkeeping;
    this.#alternative = spare.alternative;
    this.#image = new Uint8Array(image.checkpointBytes);
    this.#outputs = new Outputs(this.evidence, layout, simulatedLink(stage.seed, stage.scenario.nodes));
    this.#play();
    const { trap_site } = this.calls;
    this.calls.trap_site = () => (this.#madeSite > 0 ? this.#madeSite : trap_site());
  }

  override isTrap(error: unknown): boolean {
    return isTrap(error) || error instanceof MadeTrap;
  }

  /** The run is over: what was left open is settled. */
  finish(endMs: number): Evidence {
    this.evidence.endMs = endMs;
    if (this.#armed) this.#drainReplica();
    this.#outputs.settle(endMs, this.#armed);
    return this.evidence;
  }

  protected override run(node: number, call: Call): number {
    const index = this.#counts[node]++;
    if (this.#playing) {
      // Boots come here; all other calls of the time before are answered by `#play`.
      if (node !== this.#strike.node || index !== this.#strike.call) return this.#logs[node].result[index];
      this.#begin();
    }
    this.#rewind(node, index);
    if (node === this.#strike.node) return this.#runStruck(index, call);
    if (call.op === op.receive && this.#outputs.suspects.length > 0) return this.#runReceiver(node, call);
    return this.machines[node].invoke(call);
  }

  /** Puts a node that computed nothing yet where the golden run had it before call `index`. */
  #rewind(node: number, index: number): void {
    if (this.#rewound[node] !== 0) return;
    this.#rewound[node] = 1;
    rewind(this.machines[node], this.#logs[node], index);
  }

  protected override show(node: number, what: number, index: number): Uint8Array {
    const calls = this.#counts[node];
    if (this.#playing) return this.#logs[node].shown(calls, what, index);
    this.#rewind(node, calls);
    return super.show(node, what, index);
  }

  /**
   * Up to the strike all is as it was: results and outputs are those of the golden run, and nothing is computed. The calls are answered here until then, and
   * by the machines afterwards. (Most of a fork's time goes into what comes before the strike.)
   */
  #play(): void {
    const { calls } = this;
    const computed = { ...calls };
    const results = this.#logs.map(({ result }) => result);
    const counts = this.#counts;
    const { node: struck, call: at } = this.#strike;
    /** The golden result of the node's next call, or `strikes` when that is the one struck. */
    const next = (ctx: number): number => {
      const node = this.nodeOf(ctx);
      const index = counts[node];
      if (node === struck && index === at) {
        Object.assign(calls, computed);
        return strikes;
      }
      counts[node] = index + 1;
      return results[node][index];
    };
    const says = (ctx: number, out: number): number => {
      const result = next(ctx);
      if (result > 0 && result !== strikes) this.#repeat(this.nodeOf(ctx), out, result);
      return result;
    };
    const orCompute = (result: number, compute: () => number) => (result === strikes ? compute() : result);
    calls.receive = (ctx, s, ms, frame, length) =>
      orCompute(next(ctx), () => computed.receive(ctx, s, ms, frame, length));
    calls.observe = (ctx, s, ms, record, length) =>
      orCompute(next(ctx), () => computed.observe(ctx, s, ms, record, length));
    calls.tick = (ctx, s, ms) => orCompute(next(ctx), () => computed.tick(ctx, s, ms));
    calls.deadline = (ctx, s, ms) => orCompute(next(ctx), () => computed.deadline(ctx, s, ms));
    calls.transmit = (ctx, s, ms, out, room) =>
      orCompute(says(ctx, out), () => computed.transmit(ctx, s, ms, out, room));
    calls.command = (ctx, out, room) => orCompute(says(ctx, out), () => computed.command(ctx, out, room));
    calls.event = (ctx, out, room) => orCompute(says(ctx, out), () => computed.event(ctx, out, room));
  }

  /** Puts a golden output where the host wants it. */
  #repeat(node: number, out: number, length: number): void {
    const log = this.#logs[node];
    const index = this.#counts[node] - 1;
    const host = this.view();
    const from = log.at[index];
    for (let offset = 0; offset < length; offset += 1) host[out + offset] = log.bytes[from + offset];
    const operation = log.op[index];
    if (operation === op.transmit && node === this.#strike.node) this.#outputs.knows(host.subarray(out, out + length));
    const block = operation === op.command ? log.storedBlocks.get(index) : undefined;
    if (block === undefined) return;
    // The context that a checkpoint is made of must be there.
    this.tell(node, block);
    if (node === this.#strike.node) this.#keep(block, true);
  }

  /** From here on the nodes compute; each is put where the golden run had it when it is called next. */
  #begin(): void {
    this.#playing = false;
    const { node, call } = this.#strike;
    const machine = this.machines[node];
    this.#rewound[node] = 1;
    rewind(machine, this.#logs[node], call);
    this.#replica.bytes.set(machine.bytes);
  }

  #runStruck(index: number, call: Call): number {
    const machine = this.machines[this.#strike.node];
    const strike = this.#strike;
    if (index === strike.call) {
      if (strike.how === 'trap') {
        this.#madeSite = strike.site;
        this.#detect(strike.hang ? 'hang' : 'trap', strike.site, call.op);
        throw new MadeTrap();
      }
      if (strike.how === 'upset') flip(machine.bytes, strike.upset);
      else for (let at = 0; at < strike.words.length; at += 1) machine.words[strike.words[at]] = strike.values[at];
      this.#stuck = stuckIn(strike, machine);
      if (strike.how === 'words') Object.assign(this.evidence, strike.told);
      // What was let go makes the node differ by right from then on.
      if (this.evidence.dropped > 0) this.#detect('dropped', 0, call.op);
      else this.#armed = true;
      // In the middle of polling, the replica is polled for what is left of it.
      this.#wants = leftToPoll.get(call.op) ?? 0;
      this.#outputs.begin(this.timeMs);
    }
    if (this.#armed && index > strike.call && isInput(call.op)) this.#nextInput(machine, call.op);
    const result = this.#invokeStruck(machine, call);
    this.#stuck?.hold(machine);
    if (call.op <= op.restore) this.#boot(call, result);
    else if (this.#armed) this.#compare(machine, call, result);
    return result;
  }

  #invokeStruck(machine: Machine, call: Call): number {
    this.#madeSite = 0;
    try {
      return machine.invoke(call);
    } catch (error) {
      if (!isTrap(error)) throw error;
      this.#detect(machine.ranOut ? 'hang' : 'trap', machine.ranOut ? 0 : machine.calls.trap_site(), call.op);
      throw error;
    }
  }

  #detect(by: NonNullable<Evidence['detection']>['by'], site: number, operation: number): void {
    const { evidence, timeMs } = this;
    if (evidence.first.op === '')
      evidence.first = {
        kind: by === 'hang' ? 'hang' : by === 'trap' ? 'trap' : 'output',
        op: opNames[operation],
        site,
        timeMs,
      };
    evidence.detection ??= { by, site, timeMs };
    // Until it boots again nothing that the node might say is heard.
    if (by === 'dropped') this.onLoss(timeMs);
    else this.#outputs.settle(timeMs, false);
    this.#armed = false;
  }

  // ---- boots ----

  #boot(call: Call, result: number): void {
    const { evidence } = this;
    // A watchdog that bites, where the uncorrupted node would have fed it, is a detection; so is a command that ended the runtime.
    if (this.#armed && call.cause === bootCause.watchdog && this.#outputs.missesFeed)
      this.#detect('watchdog', 0, call.op);
    const ok = (result & STATUS_MASK) === STATUS.ok;
    const kept = call.op === op.restore ? this.#stored[this.#restores] : undefined;
    this.#restores = ok ? 0 : this.#restores + 1;
    if (!ok && kept !== undefined && !kept.same && evidence.detection === null) this.#detect('checkpoint', 0, call.op);
    if (!ok) return;
    const replica = this.#replica;
    const mirrored = Object.assign(this.#replicaCall, call);
    if (kept !== undefined && !kept.same) {
      replica.renew();
      mirrored.imageLength = checkpointOf(replica, kept.block, this.#image, 0, this.image.checkpointBytes);
      const source = new Uint8Array(call.length + mirrored.imageLength);
      source.set(call.source.subarray(call.at, call.at + call.length));
      source.set(this.#image.subarray(0, mirrored.imageLength), call.length);
      Object.assign(mirrored, { source, at: 0, imageAt: call.length });
    }
    replica.renew();
    const answer = replica.invoke(mirrored);
    this.#armed = true;
    this.#wants = allFlags;
    this.#outputs.startAnew();
    if (answer !== result)
      this.#outputs.other(this.timeMs, call.op, `status ${result} of a ${opNames[call.op]}, right is ${answer}`);
  }

  /** Both have stored a checkpoint. */
  #store(replica: Machine, struck: Machine): void {
    const { context, stateTo } = replica.program;
    const block = replica.bytes.slice(context, stateTo);
    this.#keep(block, Buffer.compare(block, struck.bytes.subarray(context, stateTo)) === 0);
  }

  #keep(block: Uint8Array, same: boolean): void {
    this.#stored.unshift({ block, same });
    this.#stored.length = Math.min(2, this.#stored.length);
  }

  // ---- comparing with the replica ----

  /** Before another input: the last one is done with on both sides. With states alike, but for how an upset was booked, both will say the same for ever. */
  #nextInput(machine: Machine, operation: number): void {
    this.#drainReplica();
    this.#outputs.nextInput(this.timeMs);
    this.#stopIfDecided();
    if (operation !== op.tick || !this.#outputs.allSaid || this.#stuck !== null) return;
    const words = differingWords(machine, this.#replica);
    const booked = this.evidence.corrected > 0 && this.#bookkeeping.covers(words, machine);
    if (words.length > 0 && !booked) return;
    const { detection } = this.evidence;
    if (detection === null || detection.by === 'upset') throw new Decided();
    this.onAlike();
  }

  #compare(machine: Machine, call: Call, result: number): void {
    switch (call.op) {
      case op.transmit:
      case op.command:
      case op.event:
        return this.#comparePoll(machine, call, result);
      case op.deadline:
        this.#compareWake(result, this.#replica.invoke(call));
        return;
      default:
        // A frame that the node takes for damaged is lost to it: the replica loses it as well, or all that it knows more would count as the other's lie.
        if (call.op === op.receive && (result & STATUS_MASK) === STATUS.crc) return this.#outputs.refuses(this.timeMs);
        Object.assign(this.#replicaCall, call);
        this.#compareStatus(call, result, this.#replica.invoke(call));
    }
  }

  #compareWake(result: number, right: number): void {
    if (result !== right) this.#outputs.wakes(this.timeMs, `wants to wake after ${result} ms, right is ${right}`);
  }

  #compareStatus(call: Call, result: number, right: number): void {
    this.#wants = (right & allFlags) | (call.op === op.tick ? FLAG_DEADLINE : 0);
    // More events than the replica has are looked at when they are polled.
    const masked = result & ~(right & FLAG_EVENT ? 0 : FLAG_EVENT);
    if (masked !== right)
      this.#outputs.other(this.timeMs, call.op, `status ${result} of a ${opNames[call.op]}, right is ${right}`);
  }

  #comparePoll(machine: Machine, call: Call, result: number): void {
    if (call.op === op.event && result > 0 && this.#isUpset(machine, result)) return;
    if (result > 0) {
      const { recordAt, frameAt } = machine.program;
      const said = machine.bytes.slice(...spanOf(call.op === op.transmit ? frameAt : recordAt, result));
      if (call.op === op.command && this.#endsItself(said, call)) return;
      this.#outputs.struckSays(this.timeMs, call.op, said);
    }
    this.#pollReplica(call);
    if (call.op === op.command && result > 0 && isStore(machine.bytes, machine.program.recordAt))
      this.#store(this.#replica, machine);
  }

  #stopIfDecided(): void {
    if (this.evidence.propagated.count > 0) throw new Decided();
  }

  /** One poll of the replica, if it has something to say. */
  #pollReplica(call: Call): boolean {
    const flag = flagOf.get(call.op) as number;
    if ((this.#wants & flag) === 0) return false;
    if (call.op === op.transmit) Object.assign(this.#replicaCall, call);
    const length = this.#replica.invoke(call);
    if (length <= 0) this.#wants &= ~flag;
    else
      this.#outputs.replicaOutputs(
        this.timeMs,
        call.op,
        this.#replica.bytes.slice(...spanOf(this.#replica.outputAt(call.op), length)),
      );
    return length > 0;
  }

  /** Polls what the replica still wants to say of its last input: the struck node may have had less to say. */
  #drainReplica(): void {
    const call = this.#replicaCall;
    const { op: before } = call;
    for (const [operation] of pollFlags) {
      call.op = operation;
      while (this.#pollReplica(call));
    }
    call.op = before;
  }

  #isUpset(machine: Machine, length: number): boolean {
    const { evidence } = this;
    const { dropped } = evidence;
    if (!takeUpset(machine.bytes, machine.program.recordAt, length, evidence)) return false;
    if (evidence.dropped > dropped) {
      this.#outputs.forgive();
      this.#detect('dropped', 0, op.event);
    } else evidence.detection ??= { by: 'upset', site: 0, timeMs: this.timeMs };
    return true;
  }

  /** A command of the ladder that the replica does not give as well: the node found itself wrong. */
  #endsItself(said: Uint8Array, call: Call): boolean {
    if (readRecord(said, 0, said.length, this.#fields) < 1 || !ladder.has(this.#fields[0])) return false;
    if (this.#outputs.replicaExpects(op.command, said)) return false;
    this.#detect('ladder', 0, call.op);
    return true;
  }

  // ---- what others make of it ----

  /** A node takes in a frame of the struck one that the replica did not send: what would its state be with the right one? */
  #runReceiver(node: number, call: Call): number {
    const machine = this.machines[node];
    const suspect = this.#outputs.suspectOf(call.source, call.at, call.length);
    if (suspect === null) return machine.invoke(call);
    const other = this.#alternative;
    other.bytes.set(machine.bytes);
    const result = machine.invoke(call);
    if ((result & STATUS_MASK) !== STATUS.ok) return result;
    if (suspect.instead !== null)
      other.invoke({ ...call, source: suspect.instead.bytes, at: 0, length: suspect.instead.bytes.length });
    if (this.#outputs.differs(machine, other)) this.#outputs.takenIn(suspect);
    this.#stopIfDecided();
    return result;
  }
}

const isInput = (operation: number) => operation === op.receive || operation === op.observe || operation === op.tick;
const spanOf = (at: number, length: number): [number, number] => [at, at + length];

/** What forks are flown from: the run, its image, and machines that are used again and again. */
export class ForkPool {
  readonly #image: ImageFacts;
  readonly #golden: Golden;
  readonly #machines: Machine[];
  readonly #spare: Spare;
  readonly #goldenAgreed: readonly number[];

  constructor(
    program: Program,
    image: ImageFacts,
    golden: Golden,
    goldenAgreed: readonly number[],
    bookkeeping: Bookkeeping,
  ) {
    this.#image = image;
    this.#golden = golden;
    this.#machines = machinesFor(program, golden.stage.scenario.nodes);
    this.#spare = {
      replica: new Machine(program),
      alternative: new Machine(program),
      bookkeeping,
      host: new Uint8Array(hostBytes),
    };
    this.#goldenAgreed = goldenAgreed;
  }

  /** Flies the run again with one strike, for a scrub cycle and the time to recover after `departMs` (or to the run's end), and tells what was seen. */
  fly(strike: Strike, departMs: number): Evidence {
    const { stage } = this.#golden;
    const { scenario, seed, body, hours } = stage;
    const endHours = Math.min(hours, departMs / hourMs + scrubCycleHours + recoveryHours);
    const engine = new ForkEngine(this.#machines, this.#image, this.#spare, this.#golden, strike);
    const plan = layWorld(scenario, { seed, nodes: scenario.nodes, body });
    const rejoin = new Rejoin(plan, strike.node, departMs - margin, this.#goldenAgreed);
    // A trap leaves nothing struck behind, for what is restarted is read anew; nor does what was let go: once all agree again there is nothing more to see.
    if (strike.how === 'trap') rejoin.stop = { fromMs: departMs - margin, boots: true };
    engine.onLoss = (timeMs) => {
      rejoin.stop = { fromMs: timeMs, boots: false };
    };
    engine.onAlike = () => {
      rejoin.stop ??= { fromMs: departMs - margin, boots: true };
    };
    try {
      runScenario(scenario, flightOf({ ...stage, hours: endHours }, engine, [rejoin]));
    } catch (error) {
      if (!(error instanceof Decided)) {
        if (!engine.isTrap(error)) throw error;
        engine.evidence.diesBooting = true;
      }
    }
    const evidence = engine.finish(engine.timeMs);
    const found = evidence.detection;
    if (found === null || evidence.diesBooting) return evidence;
    // The clock of calls is behind by up to a minute; that the node went down was told at its time.
    if (found.by === 'trap' || found.by === 'hang')
      found.timeMs = rejoin.downs.find((downMs) => downMs >= found.timeMs) ?? found.timeMs;
    evidence.bootedMs = rejoin.ups.find((upMs) => upMs >= found.timeMs) ?? null;
    evidence.agreedMs = rejoin.agreedFrom(evidence.bootedMs ?? found.timeMs);
    evidence.excusedMs = rejoin.silencedMs(found.timeMs, recoveryHours * hourMs);
    return evidence;
  }
}

/** Minutes before a divergence that are looked at as well: the clock of calls is that of the last trace entry. */
const margin = 60_000;
const hourMs = 3_600_000;

import { readRecord } from '../../../host/cbor/record.ts';
import { BOOT_CAUSE, DEADLINE_SHIFT, FLAG, STATUS, STATUS_MASK, TYPE } from '../../../host/cbor/generated.ts';
import { deadlineMsOf, outputBytes } from '../../../host/platform/loop.ts';
import { takeUpset } from '../upset_events.ts';
import { Decided } from './agreement.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import { checkpointLength, isStore } from './cluster_engine.ts';
import { type Detection, type Evidence, noEvidence } from './evidence.ts';
import { type Call, differingWords, emptyCall, type Machine, op, opNames } from './machine.ts';
import type { Outputs } from './outputs.ts';

/** Commands by which the firmware ends or restarts itself because it detected a fault. */
const ladder: ReadonlySet<number> = new Set([
  TYPE.restartTask,
  TYPE.restartRuntime,
  TYPE.resetProcessor,
  TYPE.alternateImage,
  TYPE.safeMode,
]);

const pollFlags: readonly [number, number][] = [
  [op.transmit, FLAG.frame],
  [op.command, FLAG.command],
  [op.event, FLAG.event],
];
const flagOf = new Map(pollFlags);
/** Polls that remain of an input when the fault is injected before a poll. */
const remainingPolls = new Map<number, number>([
  [op.transmit, FLAG.frame | FLAG.command | FLAG.event],
  [op.command, FLAG.command | FLAG.event],
  [op.event, FLAG.event],
]);
const pollMask = FLAG.frame | FLAG.command | FLAG.event;
/** Status and flags of a result; above them is the deadline. */
const statusBits = (1 << DEADLINE_SHIFT) - 1;
const checkpointsKept = 2;

export interface ReplicaParts {
  outputs: (evidence: Evidence) => Outputs;
  /** The replica's own machine. */
  machine: Machine;
  bookkeeping: Bookkeeping;
  /** Present time of the run. */
  clock: { readonly timeMs: number };
}

/**
 * Runs the reference replica beside the injected node: the same state without the upset, given the
 * same inputs at the same times, and polled by itself. What the injected node outputs and the
 * replica does not is wrong. When the injected node boots, so does the replica, from its own
 * checkpoints: an injected checkpoint that comes back is recognized as such.
 */
export class Replica {
  readonly evidence: Evidence = noEvidence();
  readonly outputs: Outputs;
  /** Called when the node reports that it discarded a record. */
  onDiscard: (timeMs: number) => void = () => {};
  /**
   * Called when the node is back after a detection and equals its replica: all that is left to see
   * is agreement.
   */
  onAlike: () => void = () => {};
  readonly #machine: Machine;
  readonly #bookkeeping: Bookkeeping;
  readonly #clock: { readonly timeMs: number };
  readonly #call = emptyCall();
  readonly #fields = new Uint32Array(24);
  /**
   * Checkpoints of the replica, newest first, when they were stored, and whether the injected
   * node's is the same, or rightly differs.
   */
  readonly #stored: { block: Uint8Array; same: boolean; timeMs: number }[] = [];
  /** Both sides are compared: not between a detection and the next boot. */
  #comparing = false;
  /** A stuck bit never becomes equal. */
  #isStuck = false;
  /** Restores tried since the node last ran. */
  #restores = 0;
  /** Flags of polls that the replica needs before its next input. */
  #wants = 0;

  constructor({ outputs, machine, bookkeeping, clock }: ReplicaParts) {
    this.outputs = outputs(this.evidence);
    this.#machine = machine;
    this.#bookkeeping = bookkeeping;
    this.#clock = clock;
  }

  /** Takes over the node's state before the fault is injected. */
  copy(node: Machine): void {
    this.#machine.bytes.set(node.bytes);
  }

  /**
   * The fault was injected before a call of this operation; what the node had reported stands in
   * the evidence.
   */
  begin(operation: number, isStuck: boolean): void {
    this.#isStuck = isStuck;
    // A discarded record makes the node differ rightly from then on.
    if (this.evidence.discarded > 0) this.detect('discarded', 0, operation);
    else this.#comparing = true;
    this.#wants = remainingPolls.get(operation) ?? 0;
    this.outputs.begin(this.#clock.timeMs);
  }

  /** The run is over: what was left open is settled. */
  finish(endMs: number): Evidence {
    this.evidence.endMs = endMs;
    if (this.#comparing) this.#drain();
    this.outputs.settle(endMs, this.#comparing);
    return this.evidence;
  }

  /**
   * The fault was detected in a call of this operation: until the node boots again, its outputs are
   * not compared.
   */
  detect(by: Detection['by'], site: number, operation: number): void {
    const { evidence } = this;
    const { timeMs } = this.#clock;
    if (evidence.first.op === '') {
      const kind = by === 'hang' || by === 'trap' ? by : 'output';
      evidence.first = { kind, op: opNames[operation], site, timeMs };
    }
    evidence.detection ??= { by, site, timeMs };
    if (by === 'discarded') this.onDiscard(timeMs);
    else this.outputs.settle(timeMs, false);
    this.#comparing = false;
  }

  stopIfDecided(): void {
    if (this.evidence.propagated.count > 0) throw new Decided();
  }

  // ---- boots ----

  /** Boots the replica as the node booted, each from its own checkpoint. */
  boot(call: Call, result: number): void {
    const { evidence, outputs } = this;
    // A watchdog that expires where the uncorrupted node would have fed it detects the fault.
    if (this.#comparing && call.cause === BOOT_CAUSE.watchdog && outputs.missesCommand)
      this.detect('watchdog', 0, call.op);
    const ok = (result & STATUS_MASK) === STATUS.ok;
    const kept = call.op === op.restore ? this.#stored[this.#restores] : undefined;
    this.#restores = ok ? 0 : this.#restores + 1;
    if (!ok && kept !== undefined && !kept.same && evidence.detection === null) this.detect('checkpoint', 0, call.op);
    if (!ok) return;
    const mirrored = Object.assign(this.#call, call);
    if (kept !== undefined && !kept.same) this.#useOwnCheckpoint(mirrored, kept.block);
    this.#machine.renew();
    const right = this.#machine.invoke(mirrored);
    this.#comparing = true;
    this.#wants = right & pollMask;
    outputs.startAnew();
    if (right !== result) this.#noteStatus(call.op, result, right);
  }

  /** Replaces the checkpoint of a restore by the image of the replica's own block. */
  #useOwnCheckpoint(call: Call, block: Uint8Array): void {
    const machine = this.#machine;
    const { imageAt, checkpointBytes } = machine.program;
    machine.renew();
    call.imageLength = checkpointLength(machine, block, checkpointBytes);
    const source = new Uint8Array(call.length + call.imageLength);
    source.set(call.source.subarray(call.at, call.at + call.length));
    source.set(machine.bytes.subarray(imageAt, imageAt + call.imageLength), call.length);
    Object.assign(call, { source, at: 0, imageAt: call.length });
  }

  /** Keeps a block that the replica stored. `same`: the injected node stored the same. */
  keep(block: Uint8Array, same: boolean): void {
    this.#stored.unshift({ block, same, timeMs: this.#clock.timeMs });
    this.#stored.length = Math.min(checkpointsKept, this.#stored.length);
  }

  // ---- comparing ----

  /**
   * Prepares for the node's next input: the last one is finished on both sides. With equal states,
   * but for how an upset is recorded, both would give the same outputs for ever, and the run is
   * decided.
   */
  nextInput(node: Machine, operation: number): void {
    if (!this.#comparing) return;
    this.#drain();
    this.outputs.nextInput(this.#clock.timeMs);
    this.stopIfDecided();
    if (operation !== op.tick || !this.outputs.allMatched || this.#isStuck) return;
    const words = differingWords(node, this.#machine);
    const recorded = this.evidence.corrected > 0 && this.#bookkeeping.covers(words, node);
    if (words.length > 0 && !recorded) return;
    const { detection } = this.evidence;
    if (detection === null || detection.by === 'upset') throw new Decided();
    this.onAlike();
  }

  /** Gives the replica the call that the node has just made, and compares results and outputs. */
  compare(node: Machine, call: Call, result: number): void {
    if (!this.#comparing) return this.#keepOwn(node, call, result);
    switch (call.op) {
      case op.transmit:
      case op.command:
      case op.event:
        return this.#comparePoll(node, call, result);
      default:
        // A frame that the node takes for damaged is lost to the replica too. Otherwise everything
        // that the replica learns from it would count as a wrong output of the node.
        if (call.op === op.receive && (result & STATUS_MASK) === STATUS.crc)
          return this.outputs.addRefusal(this.#clock.timeMs);
        Object.assign(this.#call, call);
        this.#compareStatus(call, result, this.#machine.invoke(call));
    }
  }

  /** Compares the deadlines of two results whose lower bits were compared already. */
  #compareWake(operation: number, result: number, right: number): void {
    const [waitMs, rightMs] = [deadlineMsOf(result), deadlineMsOf(right)];
    if (waitMs === rightMs) return;
    const example = `wants to wake after ${waitMs} ms, right is ${rightMs}`;
    this.outputs.addWakeDifference(this.#clock.timeMs, operation, example);
  }

  #compareStatus(call: Call, result: number, right: number): void {
    this.#wants = right & pollMask;
    // Events and commands that only the node has are examined when they are polled.
    const masked = result & ~((FLAG.event | FLAG.command) & ~right);
    if (((masked ^ right) & statusBits) !== 0) this.#noteStatus(call.op, result, right);
    else this.#compareWake(call.op, result, right);
  }

  #noteStatus(operation: number, result: number, right: number): void {
    const example = `status ${result} of a ${opNames[operation]}, right is ${right}`;
    this.outputs.addStatusDifference(this.#clock.timeMs, operation, example);
  }

  #comparePoll(node: Machine, call: Call, result: number): void {
    const isRecord = call.op === op.event || call.op === op.command;
    const length = outputBytes(result);
    if (isRecord && length > 0 && this.#isUpset(node, length)) return;
    if (length > 0) {
      const output = outputOf(node, call.op, length);
      if (call.op === op.command && this.#endsItself(output, call)) return;
      this.outputs.addInjected(this.#clock.timeMs, call.op, output);
    }
    const right = this.#poll(call);
    if (right !== null) this.#compareWake(call.op, result, right);
    if (call.op === op.command && length > 0 && isStore(node.bytes, node.program.recordAt)) this.#store(node);
  }

  /**
   * Keeps a checkpoint that the node stores after it discarded a record: it rightly differs, and a
   * replica that starts again starts from it.
   */
  #keepOwn(node: Machine, call: Call, result: number): void {
    if (call.op !== op.command || outputBytes(result) === 0 || !isStore(node.bytes, node.program.recordAt)) return;
    const { context, stateTo } = node.program;
    this.keep(node.bytes.slice(context, stateTo), true);
  }

  /** Keeps the checkpoint that both have stored. */
  #store(node: Machine): void {
    const { context, stateTo } = this.#machine.program;
    const block = this.#machine.bytes.slice(context, stateTo);
    this.keep(block, Buffer.compare(block, node.bytes.subarray(context, stateTo)) === 0);
  }

  /** Polls the replica once, if it may have an output. Returns the result, null without a poll. */
  #poll(call: Call): number | null {
    const flag = flagOf.get(call.op) as number;
    if ((this.#wants & flag) === 0) return null;
    if (call.op === op.transmit) Object.assign(this.#call, call);
    const result = this.#machine.invoke(call);
    const length = outputBytes(result);
    // One frame is sent at a time; records are polled until there are no more.
    if (length === 0 || call.op === op.transmit) this.#wants &= ~flag;
    if (length > 0) this.outputs.addReplica(this.#clock.timeMs, call.op, outputOf(this.#machine, call.op, length));
    return result;
  }

  /**
   * Polls all remaining outputs of the replica's last input: the injected node may have had fewer.
   */
  #drain(): void {
    const call = this.#call;
    const { op: before } = call;
    for (const [operation] of pollFlags) {
      call.op = operation;
      while (this.#poll(call) !== null);
    }
    call.op = before;
  }

  /** True when the node's record reports an upset: this is a detection, and no wrong output. */
  #isUpset(node: Machine, length: number): boolean {
    const { evidence } = this;
    const { discarded } = evidence;
    if (!takeUpset(node.bytes, node.program.recordAt, length, evidence)) return false;
    if (evidence.discarded > discarded) {
      this.outputs.excuseInput();
      // A checkpoint of the call that discarded the record was polled before this event.
      for (const stored of this.#stored) stored.same ||= stored.timeMs === this.#clock.timeMs;
      this.detect('discarded', 0, op.event);
    } else evidence.detection ??= { by: 'upset', site: 0, timeMs: this.#clock.timeMs };
    return true;
  }

  /**
   * True for a command of the ladder that the replica does not give as well: the node detected its
   * fault.
   */
  #endsItself(output: Uint8Array, call: Call): boolean {
    if (readRecord(output, 0, output.length, this.#fields) < 1 || !ladder.has(this.#fields[0])) return false;
    if (this.outputs.replicaExpects(op.command, output)) return false;
    this.detect('ladder', 0, call.op);
    return true;
  }
}

function outputOf(machine: Machine, operation: number, length: number): Uint8Array {
  const at = machine.outputAt(operation);
  return machine.bytes.slice(at, at + length);
}

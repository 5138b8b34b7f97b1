import type { Elf } from '../../../host/board/elf.ts';
import type { Target } from '../../../host/board/targets.ts';
import { BOARD_CAUSE, PORT_ASK, TYPE } from '../../../host/cbor/generated.ts';
import { EmulatorError, type EmulatorPool } from '../../emulator/pool.ts';
import type { PortInput, PortOutput } from '../../board/port.ts';
import { isProtectionSite, type Judgement } from '../outcomes.ts';
import { takeUpset } from '../upset_events.ts';
import { type Flip, type Injection, planStops } from './draw.ts';
import { Findings } from './findings.ts';
import type { GoldenBoard } from './golden.ts';
import { isMistimed, type Judge, type SentFrame } from './judge.ts';
import {
  type FrameChange,
  frameChanges,
  framesOf,
  isAccepted,
  isRefused,
  sameOutputs,
  timeOf,
  typeOf,
  unflagged,
} from './port_items.ts';
import type { JudgedInjection } from './record.ts';
import type { RecordedRun } from './recorded_run.ts';
import { type Residue, type ResidueOptions, residueOf } from './residue.ts';
import { drive, type Exchange, type Playable, restartAfter } from './restart.ts';
import { skipInstruction } from './skip.ts';
import { checkpointsIn, Subject } from './subject.ts';

export interface InjectorParts {
  pool: EmulatorPool;
  target: Target;
  path: string;
  elf: Elf;
  run: RecordedRun;
  golden: GoldenBoard;
  judge: Judge;
  /** By offset in RAM: 1 = bookkeeping of the protection (bookkeeping.ts). */
  free: Uint8Array;
}

/** A board that was restarted must send, and accept a frame of a peer, within this time. */
const recoveryMsMax = 600_000;
/** To restore a snapshot costs as much as some inputs: fewer inputs are not skipped. */
const skippedInputsMin = 3;
/**
 * After a restart at least so many inputs are compared, then until the context equals an
 * uncorrupted board's.
 */
const exchangesMin = 30;
/**
 * After a record was discarded, so many inputs show whether the board goes on sending and
 * receiving.
 */
const watchedInputs = 40;
/**
 * After its first wrong output a board is followed for so many inputs, to see what a peer makes of
 * it and whether it is found. A pass of the scrubber in a storm takes some 110.
 */
const followedInputs = 150;

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** A stuck bit's byte, and the value to which it is forced. */
interface ForcedBits {
  address: number;
  mask: number;
  value: number;
}

/** Injects faults into one board, one after the other, and finds out what becomes of each. */
export class Injector {
  readonly #parts: InjectorParts;
  readonly #subject: Subject;
  #goldenFrames: SentFrame[] | null = null;
  /** The emulator may be in a state that a snapshot does not restore. */
  #needsRestart = false;

  constructor(parts: InjectorParts) {
    this.#parts = parts;
    this.#subject = new Subject(parts);
  }

  inject(injection: Injection): JudgedInjection {
    const { accesses } = this.#parts.golden;
    const { flips, input, model } = injection;
    if (!isAsleep(injection) || model === 'stuck') return this.#fly(injection, input, flips);
    const accessed = flips.map((flip) => ({ flip, ...accesses.first(flip.offset, input) }));
    const reads = accessed.filter(({ access }) => access === 'read').map((each) => each.input);
    if (reads.length === 0) {
      if (accessed.some(({ access }) => access === 'none'))
        return { outcome: 'masked-latent', reason: 'never touched again in the run' };
      return { outcome: 'masked', reason: 'overwritten before it is read' };
    }
    const start = Math.min(...reads);
    const left = accessed.filter((each) => each.access === 'none' || each.input >= start).map(({ flip }) => flip);
    return this.#fly(injection, start, left);
  }

  /** Flies the run from input `start` on. `flips`: those that are still there then. */
  #fly(injection: Injection, start: number, flips: readonly Flip[]): JudgedInjection {
    const findings = new Findings();
    let address: number | undefined;
    try {
      if (this.#needsRestart || !this.#subject.isOn) this.#startAnew(start);
      this.#subject.restore(this.#parts.golden.snapshots[start], () => {
        if (isAsleep(injection)) this.#flip(flips);
      });
      if (!isAsleep(injection)) address = this.#injectInCall(injection);
      this.#follow(injection, start, findings);
    } catch (error) {
      if (!(error instanceof EmulatorError)) throw error;
      this.#subject.close();
      if (/did not answer/.test(error.message))
        findings.add('hang', 'it stands still, and its watchdog does not end that');
      else findings.add('crash', `the processor locks up: ${error.message.split('\n')[0]}`);
    }
    const accepting = this.#parts.judge.acceptingPeer(findings.changes.filter((change) => !this.#isMistimed(change)));
    if (accepting !== null)
      findings.add(
        'SDC-propagated',
        `peer ${accepting.peer} accepted a wrong frame at ${seconds(accepting.atMs)}, and its state differs for that`,
      );
    return { ...findings.worst, address };
  }

  /**
   * Starts a fresh emulator. Register windows are no part of a snapshot: where there are any, the
   * run is given from its beginning.
   */
  #startAnew(start: number): void {
    this.#subject.start();
    this.#needsRestart = false;
    if (this.#parts.target.architecture !== 'leon3') return;
    for (const input of this.#parts.run.inputs.slice(0, start)) {
      this.#subject.give(input);
      this.#subject.outputs();
    }
  }

  #flip(flips: readonly Flip[]): void {
    const { address } = this.#subject.span;
    for (const { offset, mask } of flips) this.#subject.changeByte(address + offset, (before) => before ^ mask);
  }

  /**
   * Gives the input, stops before the instruction, injects, and lets the board go on. Returns the
   * instruction's address.
   */
  #injectInCall(injection: Injection): number {
    const { golden, elf, target, run } = this.#parts;
    const { debug } = this.#subject;
    const call = injection.call!;
    const at = injection.at!;
    const executed = golden.trace[call];
    const marks = elf.functions.filter(({ name }) => name.startsWith('measure_begin_')).map((mark) => mark.address);
    debug.interrupt();
    for (const mark of marks) debug.setBreakpoint(mark);
    debug.resume();
    this.#subject.give(run.inputs[injection.input]);
    debug.awaitStop();
    debug.passStops(call - golden.firstCall[injection.input]);
    for (const mark of marks) debug.clearBreakpoint(mark);
    for (const { address, passes } of planStops(executed, at)) debug.runTo(address, passes);
    const { register } = injection;
    if (register !== undefined)
      debug.setRegister(register.name, debug.register(register.name) ^ (1n << BigInt(register.bit)));
    else if (injection.model === 'skip') skipInstruction(debug, target, executed[at]);
    else this.#flip(injection.flips);
    debug.resume();
    return executed[at];
  }

  /**
   * Goes on with the run until the board equals the golden one again, the run ends, or the board
   * must be restarted.
   */
  #follow(injection: Injection, start: number, findings: Findings): void {
    const { inputs } = this.#parts.run;
    const stuck = injection.model === 'stuck' ? injection.flips : [];
    const forced = this.#forcedBits(stuck, start);
    let nextLook = start;
    for (let index = start; index < inputs.length; index += 1) {
      if (findings.differsFrom >= 0 && index > findings.differsFrom + followedInputs) return this.#end(findings, 0);
      if (forced.length > 0 && index > start) this.#subject.asleep(() => this.#force(forced));
      const outputs = index === start ? this.#firstOutputs(injection, index, findings) : this.#play(inputs[index]);
      if (outputs.at(-1)!.kind !== 'done') return this.#judgeRestartAt(index, outputs, findings);
      this.#compare(index, outputs, findings);
      if (findings.discarded > 0) return this.#judgeDiscard(index + 1, findings);
      if (findings.differsFrom >= 0 || index < nextLook) continue;
      nextLook = index + Math.max(1, index - start);
      const free = findings.corrected > 0 ? this.#parts.free : null;
      const residue = this.#residue(index + 1, { stuck, free });
      if (residue.live === 0) return this.#end(findings, residue.latent);
      if (residue.stored || residue.firstRead <= index + skippedInputsMin) continue;
      this.#skipTo(residue);
      index = residue.firstRead - 1;
      nextLook = index + 1;
    }
    const residue = this.#residue(inputs.length);
    this.#end(findings, residue.live + residue.latent);
  }

  /**
   * Returns the outputs of the first input after the injection, or of the one into which the fault
   * was injected.
   */
  #firstOutputs(injection: Injection, index: number, findings: Findings): PortOutput[] {
    if (!isAsleep(injection)) return this.#collect();
    const input = this.#parts.run.inputs[index];
    const isProbed = injection.flips.some(({ offset }) => !this.#isLinear(offset));
    return isProbed ? this.#playProbed(input, findings) : this.#play(input);
  }

  #residue(next: number, options: ResidueOptions = {}): Residue {
    return residueOf(this.#parts.golden, this.#subject.snapshot(null), next, options);
  }

  /**
   * Skips inputs that read nothing wrong: restores the golden state before the first that does, and
   * the residue.
   */
  #skipTo({ firstRead, bytes }: Residue): void {
    const { golden } = this.#parts;
    const kept = [...bytes].filter(([offset]) => {
      const { access, input } = golden.accesses.first(offset, firstRead);
      return access === 'none' || input >= firstRead;
    });
    const { address } = this.#subject.span;
    this.#subject.restore(golden.snapshots[firstRead], () => {
      for (const [offset, value] of kept) this.#subject.changeByte(address + offset, () => value);
    });
  }

  /** Adds the outcome of a board that was not restarted. */
  #end(findings: Findings, bytesLeft: number): void {
    const { corrected, refused, differsFrom } = findings;
    findings.addDifference(false);
    if (differsFrom < 0) findings.add('masked', 'every output right');
    if (bytesLeft > 0) findings.add('masked-latent', `${bytesLeft} bytes differ at the end`);
    const before = refused.length > 0 ? `; ${refused.length} right frames were refused before` : '';
    if (corrected > 0) findings.add('corrected', `${corrected} lines corrected${before}`);
  }

  // ---- comparing ----

  /**
   * Returns an uncorrupted board's answer to an input: the golden run's, or, once the injected
   * board has lost frames, that of a board that lost the same frames.
   */
  #expected(index: number, { refused }: Findings): readonly PortOutput[] {
    return refused.length === 0 ? this.#parts.golden.outputs[index] : this.#parts.judge.outputsWithout(refused)[index];
  }

  /**
   * Compares an answer with an uncorrupted board's. Reports of upsets are no difference, nor is
   * what follows from a discarded record.
   */
  #compare(index: number, answer: readonly PortOutput[], findings: Findings): void {
    const { inputs } = this.#parts.run;
    const outputs = this.#withoutUpsets(index, answer, findings);
    const expected = this.#expected(index, findings);
    if (findings.discarded > 0 || sameOutputs(outputs, expected)) return;
    if (findings.corrected > 0 && sameOutputs(outputs.map(unflagged), expected.map(unflagged))) return;
    if (findings.differsFrom < 0) findings.differsFrom = index;
    if (isRefused(outputs.at(-1)) && !isRefused(expected.at(-1))) {
      findings.refused.push(index);
      return;
    }
    const { kind } = inputs[index];
    const changes = frameChanges(timeOf(inputs[index]), expected, outputs);
    findings.changes.push(...changes);
    findings.noteOthers(index, kind, outputs, expected);
    if (changes.some((change) => !this.#isMistimed(change)))
      findings.noteOther(index, `a frame is different in the answer to input ${index} (${kind})`);
  }

  #isMistimed(change: FrameChange): boolean {
    const { golden, run } = this.#parts;
    this.#goldenFrames ??= golden.outputs.flatMap((outputs, index) =>
      framesOf(outputs).map((frame) => ({ atMs: timeOf(run.inputs[index]), frame })),
    );
    return isMistimed(change, this.#goldenFrames, run.link);
  }

  #withoutUpsets(index: number, outputs: readonly PortOutput[], findings: Findings): PortOutput[] {
    return outputs.filter((output) => {
      if (output.kind !== 'record' || !takeUpset(output.bytes, 0, output.bytes.length, findings)) return true;
      findings.reportedAt = index;
      return false;
    });
  }

  /**
   * The board discarded a record and reported it: other outputs are right from then on. It must go
   * on sending and receiving.
   */
  #judgeDiscard(from: number, findings: Findings): void {
    const { inputs } = this.#parts.run;
    let sent = false;
    let accepted = false;
    for (let index = from; index < Math.min(from + watchedInputs, inputs.length); index += 1) {
      const outputs = this.#play(inputs[index]);
      if (outputs.at(-1)!.kind !== 'done') return this.#judgeRestartAt(index, outputs, findings);
      this.#withoutUpsets(index, outputs, findings);
      sent ||= framesOf(outputs).length > 0;
      accepted ||= inputs[index].kind === 'frame' && isAccepted(outputs.at(-1));
    }
    if (!sent || !accepted)
      findings.add('fail-silent', `it ${sent ? 'accepts no frame' : 'sends nothing'} after a record was discarded`);
    findings.add(
      'detected-and-recovered',
      `${findings.discarded} records discarded, to be fetched from peers or made anew`,
    );
  }

  // ---- restarts ----

  /**
   * The board trapped or reset while it processed an input: the platform restarts it, as it would
   * restart an uncorrupted board at that moment.
   */
  #judgeRestartAt(index: number, outputs: readonly PortOutput[], findings: Findings): void {
    const { run, judge } = this.#parts;
    const input = run.inputs[index];
    const last = outputs.at(-1)!;
    const before = this.#withoutUpsets(index, outputs.slice(0, -1), findings);
    const expected = this.#expected(index, findings).slice(0, before.length);
    findings.changes.push(...frameChanges(timeOf(input), expected, before));
    findings.noteOthers(index, input.kind, before, expected);
    findings.addDifference(true);
    const reset = last.kind === 'hello' ? { cause: last.cause, resets: last.resetsInRow } : null;
    const cause = outcomeOfEnd(last, index);
    if (cause !== null) findings.add(cause.outcome, cause.reason);
    const restart = restartAfter(run.inputs, index, reset);
    const stored = before.some((output) => output.kind === 'record' && typeOf(output.bytes) === TYPE.storeCheckpoint);
    // The fault may have been stored as well: then the board comes back from an older checkpoint,
    // or from none, and so would an uncorrupted board.
    const present = checkpointsIn(this.#subject.snapshot(null));
    const kept = present.filter(({ image }) => judge.isRestorable(image, restart)).map(({ number }) => number);
    findings.refusedCheckpoints = present.length - kept.length;
    const history = { done: index + (stored ? 1 : 0), next: index + 1, lost: findings.refused, kept };
    const right = judge.outputsAfterRestart(history, restart, reset !== null);
    this.#judgeRestart(drive(this.#playable, run.inputs, index + 1, restart), right, restart.atMs, findings);
    if (reset !== null) this.#needsRestart = true;
  }

  /**
   * Compares the restarted board, input by input, with an uncorrupted one that is restarted at the
   * same moment; the hash of the context is part of it.
   */
  #judgeRestart(actual: Iterable<Exchange>, right: readonly Exchange[], fromMs: number, findings: Findings): void {
    let differs = false;
    let sentMs = Number.POSITIVE_INFINITY;
    let acceptedMs = Number.POSITIVE_INFINITY;
    let at = 0;
    for (const { atMs, input, outputs } of actual) {
      const got = this.#withoutUpsets(-1, outputs, findings);
      const expected = right[at]?.outputs ?? [];
      at += 1;
      if (framesOf(got).length > 0) sentMs = Math.min(sentMs, atMs);
      if (input.kind === 'frame' && isAccepted(outputs.at(-1))) acceptedMs = Math.min(acceptedMs, atMs);
      if (sameOutputs(got.map(unflagged), expected.map(unflagged))) {
        const isBack = Math.max(sentMs, acceptedMs) < Number.POSITIVE_INFINITY;
        if (isBack && !differs && at >= exchangesMin && sameOutputs(got, expected)) break;
        continue;
      }
      findings.changes.push(...frameChanges(atMs, expected, got));
      if (!differs)
        findings.add(
          'SDC-local',
          `after the restart its outputs differ from an uncorrupted board's, at ${seconds(atMs)}`,
        );
      differs = true;
    }
    addRecovery(findings, Math.max(sentMs, acceptedMs) - fromMs);
  }

  get #playable(): Playable {
    const reset = () => {
      this.#subject.give({ kind: 'reset', how: 0 });
      this.#subject.outputs();
      this.#needsRestart = true;
    };
    return { play: (input) => this.#play(input), reset };
  }

  // ---- inputs and outputs ----

  #play(input: PortInput): PortOutput[] {
    this.#subject.give(input);
    return this.#collect();
  }

  #collect(): PortOutput[] {
    const outputs: PortOutput[] = [];
    for (;;) {
      const output = this.#subject.session.next();
      if (output.kind === 'answer') continue;
      outputs.push(output);
      if (output.kind === 'done' || output.kind === 'trapped' || output.kind === 'hello') return outputs;
    }
  }

  /**
   * Gives the first input after an injection into the loop's own data while the board slept. The
   * input may be lost with the contents of the line's reader. A question behind it is answered in
   * any case, and the platform, which got no answer to the input, gives it again.
   */
  #playProbed(input: PortInput, findings: Findings): PortOutput[] {
    const ask: PortInput = { kind: 'ask', what: PORT_ASK.counters, index: 0 };
    for (let attempt = 0; attempt < 2; attempt += 1) {
      this.#subject.give(input);
      this.#subject.give(ask);
      const outputs: PortOutput[] = [];
      for (;;) {
        const output = this.#subject.session.next();
        if (output.kind === 'answer') break;
        outputs.push(output);
        if (output.kind === 'hello') {
          this.#needsRestart = true;
          return outputs;
        }
      }
      if (outputs.length > 0) return outputs;
      findings.add('masked', 'the input was lost on the line and given again');
    }
    throw new EmulatorError('did not answer: no input gets through');
  }

  #isLinear(offset: number): boolean {
    const { address, parts } = this.#subject.span;
    const linear = parts.find(({ name }) => name === 'linear')!;
    const at = address + offset - linear.address;
    return at >= 0 && at < linear.bytes;
  }

  #forcedBits(stuck: readonly Flip[], start: number): ForcedBits[] {
    const { ram } = this.#parts.golden.snapshots[start];
    const { address } = this.#subject.span;
    return stuck.map(({ offset, mask }) => ({ address: address + offset, mask, value: ~ram[offset] & mask }));
  }

  #force(bits: readonly ForcedBits[]): void {
    for (const { address, mask, value } of bits)
      this.#subject.changeByte(address, (before) => (before & ~mask) | value);
  }
}

const isAsleep = ({ call }: Injection) => call === undefined;

/** Returns the outcome of an input that ended in a reset or a trap; null for another end. */
function outcomeOfEnd(last: PortOutput, index: number): Judgement | null {
  if (last.kind === 'hello') {
    if (last.cause === BOARD_CAUSE.watchdog)
      return { outcome: 'hang', reason: `its watchdog expires in input ${index}` };
    return { outcome: 'crash', reason: `it resets, cause ${last.cause}, in input ${index}` };
  }
  if (last.kind !== 'trapped') return null;
  const reason = `trap at site ${last.site}, reason ${last.reason}, in input ${index}`;
  const isCheck = isProtectionSite(last.site) && last.reason === 1;
  return { outcome: isCheck ? 'detected-and-recovered' : 'crash', reason };
}

/** Adds whether a restarted board was back in time. `backMs`: after the restart. */
function addRecovery(findings: Findings, backMs: number): void {
  if (backMs === Number.POSITIVE_INFINITY) return findings.add('fail-silent', 'it does not come back in this run');
  const { refusedCheckpoints } = findings;
  const poisoned = refusedCheckpoints > 0 ? `; ${refusedCheckpoints} of its checkpoints held the fault` : '';
  findings.add(backMs > recoveryMsMax ? 'late' : 'detected-and-recovered', `back after ${seconds(backMs)}${poisoned}`);
}

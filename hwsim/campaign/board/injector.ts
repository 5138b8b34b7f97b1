import type { Elf } from '../../../host/board/elf.ts';
import type { Target } from '../../../host/board/targets.ts';
import { TYPE } from '../../../host/cbor/generated.ts';
import { isProtectionSite } from '../outcomes.ts';
import { planStops, type Strike, timeOf } from './draw.ts';
import { type GoldenBoard, sameOutputs } from './golden.ts';
import { frameChanges, framesOf, isMistimed, type Judge, type Sent } from './judge.ts';
import { drive, type Exchange, type Playable, restartAfter } from './platform.ts';
import type { Row } from './row.ts';
import { checkpointsIn, Subject } from './subject.ts';
import { askFor, type PortInput, type PortOutput } from '../../emulator/port.ts';
import { EmulatorError, type EmulatorPool } from '../../emulator/pool.ts';
import { Findings, isAccepted, isRefused, type Struck, typeOf, unflagged } from './findings.ts';
import { takeUpset } from '../upset_events.ts';
import { skipInstruction } from './skip.ts';

export interface InjectorParts {
  pool: EmulatorPool;
  target: Target;
  path: string;
  elf: Elf;
  row: Row;
  golden: GoldenBoard;
  judge: Judge;
  /** By offset in RAM: 1 = the protection's own books (campaign_bookkeeping.ts). */
  free: Uint8Array;
}

/** A board that was restarted must send, and take a frame of a peer, within this time. */
const recoveryMsMax = 600_000;
const watchdogCause = 2;
/** To put the board where the golden run was costs as much as some inputs. */
const leapInputsMin = 3;
/** After a restart so many inputs at least are compared, then until the context is that of an uncorrupted board. */
const exchangesMin = 30;
/** After a record was let go so many inputs are watched: whether it goes on speaking and hearing. */
const watchedInputs = 40;
/** After its first wrong word a board is followed so far: what a peer makes of wrong words, and whether they are found. A pass of the scrubber in a storm takes some 110. */
const followedInputs = 150;
const storeCheckpoint = TYPE.storeCheckpoint;

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** Bytes of RAM that are others than in the golden run: those that will be read, from which input on; those that nothing will touch; and whether non-volatile memory is another. */
interface Residue {
  live: number;
  latent: number;
  stored: boolean;
  firstRead: number;
  bytes: Map<number, number>;
}

/** Strikes one board again and again. */
export class Injector {
  readonly #parts: InjectorParts;
  readonly #subject: Subject;
  #goldenFrames: Sent[] | null = null;
  /** The emulator may be in a state that a snapshot does not hold. */
  #doubtful = false;

  constructor(parts: InjectorParts) {
    this.#parts = parts;
    this.#subject = new Subject(parts);
  }

  close(): void {
    this.#subject.close();
  }

  strike(strike: Strike): Struck {
    const { accesses } = this.#parts.golden;
    const asleep = strike.call === undefined;
    if (!asleep || strike.model === 'stuck') return this.#fly(strike, strike.input, strike.flips);
    const touched = strike.flips.map((flip) => ({ flip, ...accesses.first(flip.offset, strike.input) }));
    const reads = touched.filter(({ access }) => access === 'read').map(({ input }) => input);
    if (reads.length === 0) {
      if (touched.some(({ access }) => access === 'none'))
        return { outcome: 'masked-latent', reason: 'never touched again in the run' };
      return { outcome: 'masked', reason: 'overwritten before it is read' };
    }
    const start = Math.min(...reads);
    const left = touched.filter(({ access, input }) => access === 'none' || input >= start).map(({ flip }) => flip);
    return this.#fly(strike, start, left);
  }

  #fly(strike: Strike, start: number, flips: Strike['flips']): Struck {
    const findings = new Findings();
    let address: number | undefined;
    try {
      if (this.#doubtful || !this.#subject.isOn) this.#startAnew(start);
      const asleep = strike.call === undefined;
      this.#subject.restore(this.#parts.golden.snapshots[start], () => {
        if (asleep) this.#flip(flips);
      });
      address = asleep ? undefined : this.#strikeInCall(strike);
      this.#follow(strike, start, findings);
    } catch (error) {
      if (!(error instanceof EmulatorError)) throw error;
      this.#subject.close();
      if (/did not answer/.test(error.message))
        findings.add('hang', 'it stands still, and its watchdog does not end that');
      else findings.add('crash', `the processor locks up: ${error.message.split('\n')[0]}`);
    }
    const accepted = this.#parts.judge.accepts(
      findings.changes.filter((change) => !isMistimed(change, this.#sent, this.#parts.row.link)),
    );
    if (accepted !== null)
      findings.add(
        'SDC-propagated',
        `peer ${accepted.peer} took a wrong frame at ${seconds(accepted.atMs)} and is another for it`,
      );
    return { ...findings.worst, address };
  }

  /** A fresh emulator. Register windows are no part of a snapshot: there the row is given from its beginning. */
  #startAnew(start: number): void {
    this.#subject.start();
    this.#doubtful = false;
    if (this.#parts.target.architecture !== 'leon3') return;
    for (const input of this.#parts.row.inputs.slice(0, start)) {
      this.#subject.give(input);
      this.#subject.outputs();
    }
  }

  #flip(flips: Strike['flips']): void {
    const { address } = this.#subject.span;
    for (const { offset, mask } of flips) this.#subject.changeByte(address + offset, (before) => before ^ mask);
  }

  /** Gives the input, stops before the instruction, strikes and lets it go on. Returns where that was. */
  #strikeInCall(strike: Strike): number {
    const { golden, elf } = this.#parts;
    const { debug } = this.#subject;
    const call = strike.call!;
    const executed = golden.trace[call];
    const marks = elf.functions.filter(({ name }) => name.startsWith('measure_begin_')).map((mark) => mark.address);
    debug.interrupt();
    for (const mark of marks) debug.setBreakpoint(mark);
    debug.resume();
    this.#subject.give(this.#parts.row.inputs[strike.input]);
    debug.awaitStop();
    debug.passStops(call - golden.firstCall[strike.input]);
    for (const mark of marks) debug.clearBreakpoint(mark);
    for (const { address, passes } of planStops(executed, strike.at!)) debug.runTo(address, passes);
    const { register } = strike;
    if (register !== undefined)
      debug.setRegister(register.name, debug.register(register.name) ^ (1n << BigInt(register.bit)));
    else if (strike.model === 'skip') skipInstruction(debug, this.#parts.target, executed[strike.at!]);
    else this.#flip(strike.flips);
    debug.resume();
    return executed[strike.at!];
  }

  /** Goes on with the row until the board is the golden one again, or the row ends, or the board must be restarted. */
  #follow(strike: Strike, start: number, findings: Findings): void {
    const { row } = this.#parts;
    const asleep = strike.call === undefined;
    const forced = strike.model === 'stuck' ? this.#forcedBits(strike, start) : [];
    const probed = asleep && strike.flips.some(({ offset }) => !this.#isLinear(offset));
    let nextLook = start;
    for (let index = start; index < row.inputs.length; index += 1) {
      if (findings.differsFrom >= 0 && index > findings.differsFrom + followedInputs) return this.#ended(findings, 0);
      if (forced.length > 0 && index > start) this.#subject.asleep(() => this.#force(forced));
      let outputs: PortOutput[];
      if (index === start && !asleep) outputs = this.#collect();
      else
        outputs =
          index === start && probed ? this.#playProbed(row.inputs[index], findings) : this.#play(row.inputs[index]);
      const last = outputs.at(-1)!;
      if (last.kind !== 'done') return this.#restarted(index, outputs, findings);
      this.#compare(index, outputs, findings);
      if (findings.dropped > 0) return this.#letGo(index + 1, findings);
      if (findings.differsFrom >= 0 || index < nextLook) continue;
      nextLook = index + Math.max(1, index - start);
      const residue = this.#residue(index + 1, strike.model === 'stuck' ? strike.flips : [], findings.corrected > 0);
      if (residue.live === 0) return this.#ended(findings, residue.latent);
      if (residue.stored || residue.firstRead <= index + leapInputsMin) continue;
      this.#leap(residue);
      index = residue.firstRead - 1;
      nextLook = index + 1;
    }
    const residue = this.#residue(row.inputs.length);
    this.#ended(findings, residue.live + residue.latent);
  }

  /** Nothing reads what is wrong until then: what lies between is the golden run's. */
  #leap({ firstRead, bytes }: Residue): void {
    const { golden } = this.#parts;
    const kept = [...bytes].filter(([offset]) => {
      const { access, input } = golden.accesses.first(offset, firstRead);
      return access === 'none' || input >= firstRead;
    });
    const now = this.#subject.span.address;
    this.#subject.restore(golden.snapshots[firstRead], () => {
      for (const [offset, value] of kept) this.#subject.changeByte(now + offset, () => value);
    });
  }

  #ended(findings: Findings, bytesLeft: number): void {
    const { corrected, refused, differsFrom } = findings;
    findings.nameDifference(false);
    if (differsFrom < 0) findings.add('masked', 'every output right');
    if (bytesLeft > 0) findings.add('masked-latent', `${bytesLeft} bytes are others at the end`);
    const before = refused.length > 0 ? `; ${refused.length} right frames were refused before` : '';
    if (corrected > 0) findings.add('corrected', `${corrected} lines corrected${before}`);
  }

  /** What an uncorrupted board answers to an input: the golden run's answer, or, once frames were lost to the struck one, that of one to which they are lost as well. */
  #expected(index: number, { refused }: Findings): readonly PortOutput[] {
    return refused.length === 0 ? this.#parts.golden.outputs[index] : this.#parts.judge.without(refused)[index];
  }

  /** Compares with an uncorrupted board; telling of upsets is no difference, nor is what follows from a record that was let go. */
  #compare(index: number, told: readonly PortOutput[], findings: Findings): void {
    const { row } = this.#parts;
    const outputs = this.#withoutUpsets(index, told, findings);
    const expected = this.#expected(index, findings);
    if (findings.dropped > 0 || sameOutputs(outputs, expected)) return;
    if (findings.corrected > 0 && sameOutputs(outputs.map(unflagged), expected.map(unflagged))) return;
    if (findings.differsFrom < 0) findings.differsFrom = index;
    if (isRefused(outputs.at(-1)) && !isRefused(expected.at(-1))) {
      findings.refused.push(index);
      return;
    }
    const changes = frameChanges(timeOf(row.inputs[index]), expected, outputs);
    findings.changes.push(...changes);
    findings.noteOthers(index, row.inputs[index].kind, outputs, expected);
    if (changes.some((change) => !isMistimed(change, this.#sent, this.#parts.row.link)))
      findings.noteOther(index, `a frame is another in the answer to input ${index} (${row.inputs[index].kind})`);
  }

  /** Frames of the golden run. */
  get #sent(): readonly Sent[] {
    const { golden, row } = this.#parts;
    this.#goldenFrames ??= golden.outputs.flatMap((outputs, index) =>
      framesOf(outputs).map((frame) => ({ atMs: timeOf(row.inputs[index]), frame })),
    );
    return this.#goldenFrames;
  }

  /** A record was let go and told so: what it does from then on it does by right. It must go on speaking and hearing. */
  #letGo(from: number, findings: Findings): void {
    const { inputs } = this.#parts.row;
    let sent = false;
    let heard = false;
    for (let index = from; index < Math.min(from + watchedInputs, inputs.length); index += 1) {
      const outputs = this.#play(inputs[index]);
      if (outputs.at(-1)!.kind !== 'done') return this.#restarted(index, outputs, findings);
      this.#withoutUpsets(index, outputs, findings);
      sent ||= framesOf(outputs).length > 0;
      heard ||= inputs[index].kind === 'frame' && isAccepted(outputs.at(-1));
    }
    if (!sent || !heard)
      findings.add('fail-silent', `it ${sent ? 'takes no frame' : 'says nothing'} after a record was let go`);
    findings.add(
      'detected-and-recovered',
      `${findings.dropped} records let go, to be told again by peers or made anew`,
    );
  }

  #withoutUpsets(index: number, outputs: readonly PortOutput[], findings: Findings): PortOutput[] {
    return outputs.filter((output) => {
      if (output.kind !== 'record' || !takeUpset(output.bytes, 0, output.bytes.length, findings)) return true;
      findings.toldAt = index;
      return false;
    });
  }

  /** The board trapped or reset while it worked on an input: the platform brings it back, as it would an uncorrupted board at that moment. */
  #restarted(index: number, outputs: readonly PortOutput[], findings: Findings): void {
    const { row, judge } = this.#parts;
    const last = outputs.at(-1)!;
    const before = this.#withoutUpsets(index, outputs.slice(0, -1), findings);
    const expected = this.#expected(index, findings).slice(0, before.length);
    findings.changes.push(...frameChanges(timeOf(row.inputs[index]), expected, before));
    findings.noteOthers(index, row.inputs[index].kind, before, expected);
    findings.nameDifference(true);
    const reset = last.kind === 'hello' ? { cause: last.cause, resets: last.resetsInRow } : null;
    this.#name(last, index, findings);
    const restart = restartAfter(row.inputs, index, reset);
    const stored = before.some((output) => output.kind === 'record' && typeOf(output.bytes) === storeCheckpoint);
    const done = index + (stored ? 1 : 0);
    // What was wrong may have been stored as well: then it comes back from an older checkpoint, or from none, and so would an uncorrupted board.
    const held = checkpointsIn(this.#subject.snapshot(null));
    const kept = held.filter(({ image }) => judge.verifies(image, restart)).map(({ number }) => number);
    if (kept.length < held.length) findings.poisoned = held.length - kept.length;
    const right = judge.afterRestart({ done, next: index + 1, lost: findings.refused, kept }, restart, reset !== null);
    this.#judgeRestart(drive(this.#playable, row.inputs, index + 1, restart), right, restart.atMs, findings);
    if (reset !== null) this.#doubtful = true;
  }

  #name(last: PortOutput, index: number, findings: Findings): void {
    if (last.kind === 'hello') {
      const bites = last.cause === watchdogCause;
      findings.add(
        bites ? 'hang' : 'crash',
        `${bites ? 'its watchdog bites' : `it resets, cause ${last.cause},`} in input ${index}`,
      );
    } else if (last.kind === 'trapped') {
      const words = `trap at site ${last.site}, reason ${last.reason}, in input ${index}`;
      findings.add(isProtectionSite(last.site) && last.reason === 1 ? 'detected-and-recovered' : 'crash', words);
    }
  }

  /** Compares what the restarted board says, input by input, with what an uncorrupted one says that is restarted at the same moment; the hash of the context is part of it. */
  #judgeRestart(actual: Iterable<Exchange>, right: readonly Exchange[], fromMs: number, findings: Findings): void {
    let differs = false;
    let sentMs = Number.POSITIVE_INFINITY;
    let heardMs = Number.POSITIVE_INFINITY;
    let at = 0;
    for (const { atMs, input, outputs } of actual) {
      const got = this.#withoutUpsets(-1, outputs, findings);
      const expected = right[at]?.outputs ?? [];
      at += 1;
      if (framesOf(got).length > 0) sentMs = Math.min(sentMs, atMs);
      if (input.kind === 'frame' && isAccepted(outputs.at(-1))) heardMs = Math.min(heardMs, atMs);
      if (sameOutputs(got.map(unflagged), expected.map(unflagged))) {
        const isAlike = sameOutputs(got, expected);
        if (isAlike && at >= exchangesMin && !differs && Math.max(sentMs, heardMs) < Number.POSITIVE_INFINITY) break;
        continue;
      }
      findings.changes.push(...frameChanges(atMs, expected, got));
      if (!differs)
        findings.add(
          'SDC-local',
          `after the restart it says something else than an uncorrupted board, at ${seconds(atMs)}`,
        );
      differs = true;
    }
    const backMs = Math.max(sentMs, heardMs) - fromMs;
    if (backMs === Number.POSITIVE_INFINITY) findings.add('fail-silent', 'it does not come back in this run');
    else {
      const from = findings.poisoned > 0 ? `; ${findings.poisoned} of its checkpoints held the fault` : '';
      findings.add(backMs > recoveryMsMax ? 'late' : 'detected-and-recovered', `back after ${seconds(backMs)}${from}`);
    }
  }

  get #playable(): Playable {
    const reset = () => {
      this.#subject.give({ kind: 'reset', how: 0 });
      this.#subject.outputs();
      this.#doubtful = true;
    };
    return { play: (input) => this.#play(input), reset };
  }

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
   * The first input after a strike into the loop's own data while it slept may be lost with what stood in the line's reader: a question behind it is answered in any case, and the platform, which got no
   * answer to the input, gives it again.
   */
  #playProbed(input: PortInput, findings: Findings): PortOutput[] {
    const ask: PortInput = { kind: 'ask', what: askFor.counters, index: 0 };
    for (let attempt = 0; attempt < 2; attempt += 1) {
      this.#subject.give(input);
      this.#subject.give(ask);
      const outputs: PortOutput[] = [];
      for (;;) {
        const output = this.#subject.session.next();
        if (output.kind === 'answer') break;
        outputs.push(output);
        if (output.kind === 'hello') {
          this.#doubtful = true;
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

  #forcedBits(strike: Strike, start: number): { address: number; mask: number; value: number }[] {
    const { ram } = this.#parts.golden.snapshots[start];
    const { address } = this.#subject.span;
    return strike.flips.map(({ offset, mask }) => ({ address: address + offset, mask, value: ~ram[offset] & mask }));
  }

  #force(bits: readonly { address: number; mask: number; value: number }[]): void {
    for (const { address, mask, value } of bits)
      this.#subject.changeByte(address, (before) => (before & ~mask) | value);
  }

  /** What is not as in the golden run before input `next`. What is overwritten before it is read does not count, but where a bit is stuck; nor, once an upset was `put` right, how that is booked. */
  #residue(next: number, stuck: Strike['flips'] = [], put = false): Residue {
    const { golden } = this.#parts;
    const { ram, nonVolatile } = golden.snapshots[next];
    const now = this.#subject.snapshot(null);
    const stored = !now.nonVolatile.equals(nonVolatile);
    const residue: Residue = {
      live: 0,
      latent: stored ? 1 : 0,
      stored,
      firstRead: Number.POSITIVE_INFINITY,
      bytes: new Map(),
    };
    // A stuck bit that has its right value just now may be wrong after the next time it is written.
    for (const { offset } of stuck) {
      const { access, input } = golden.accesses.first(offset, next);
      if (access === 'none' || now.ram[offset] !== ram[offset]) continue;
      residue.live += 1;
      residue.firstRead = Math.min(residue.firstRead, input);
    }
    if (now.ram.equals(ram)) return residue;
    for (let offset = 0; offset < ram.length; offset += 1) {
      if (now.ram[offset] === ram[offset]) continue;
      const { access, input } = golden.accesses.first(offset, next);
      if (put && this.#parts.free[offset] === 1) continue;
      if (access === 'write' && !stuck.some((flip) => flip.offset === offset)) continue;
      residue.bytes.set(offset, now.ram[offset]);
      if (access === 'none') residue.latent += 1;
      else {
        residue.live += 1;
        residue.firstRead = Math.min(residue.firstRead, input);
      }
    }
    return residue;
  }
}

import { FLAG_EVENT, STATUS, STATUS_MASK } from '../../../host/engine/status.ts';
import { type OutcomeName, outcomeNames } from '../outcomes.ts';
import type { Told } from '../upset_events.ts';
import type { FrameChange } from './judge.ts';
import { eventTypeMin } from '../../board/controller.ts';
import { sameOutput } from './golden.ts';
import type { PortOutput } from '../../emulator/port.ts';

export interface Struck {
  outcome: OutcomeName;
  reason: string;
  /** Address of the instruction that was skipped or came after the strike. */
  address?: number;
}

const rankOf = (outcome: OutcomeName) => outcomeNames.indexOf(outcome);

/** What is found while a strike is followed; the worst counts, the first is told as well. */
export class Findings implements Told {
  readonly #all: Struck[] = [];
  /** Told by the board: lines put right in place; records let go. And the input whose answer told it last. */
  corrected = 0;
  dropped = 0;
  toldAt = -1;
  /** Frames that an uncorrupted board did not send. */
  readonly changes: FrameChange[] = [];
  /** Right frames that the board took for damaged: to it they are lost, and are lost to what it is compared with. */
  readonly refused: number[] = [];
  /** Checkpoints that held the fault and were refused. */
  poisoned = 0;
  /** The first input that was answered otherwise than by an uncorrupted board, whatever the difference. */
  differsFrom = -1;
  /** The first wrong command; the first wrong event, status or frame, and the input of the last. */
  wrongCommand = '';
  wrongOther = '';
  wrongOtherAt = -1;

  add(outcome: OutcomeName, reason: string): void {
    this.#all.push({ outcome, reason });
  }

  /** Wrong contents that were not found are a wrong decision, right ones at another time are late. A wrong command was obeyed: that the fault is found later does not take it back. */
  nameDifference(detected: boolean): void {
    const found = detected || (this.corrected > 0 && this.toldAt >= this.wrongOtherAt);
    if (this.wrongCommand !== '') this.add('SDC-local', this.wrongCommand);
    else if (this.wrongOther !== '' && !found) this.add('SDC-local', this.wrongOther);
    else if (this.refused.length > 0 && !found) this.add('SDC-local', `${this.refused.length} right frames refused`);
    else if (this.differsFrom >= 0 && !found)
      this.add('late', `right contents, but some at another time, from input ${this.differsFrom} on`);
  }

  /** What differs in the answer to an input besides frames, and besides the time to wake. */
  noteOthers(index: number, kind: string, outputs: readonly PortOutput[], expected: readonly PortOutput[]): void {
    const others = (list: readonly PortOutput[]) => list.filter((output) => output.kind !== 'frame').map(untimed);
    const [mine, right] = [others(outputs), others(expected)];
    const at = Math.max(mine.length, right.length);
    for (let place = 0; place < at; place += 1) {
      const [a, b] = [mine[place], right[place]];
      if (sameOutput(a, b)) continue;
      const words = `${describe(a ?? b)} is ${a === undefined ? 'missing' : 'another'} in the answer to input ${index} (${kind})`;
      if (isCommand(a) || isCommand(b)) this.wrongCommand ||= words;
      else this.noteOther(index, words);
    }
  }

  noteOther(index: number, words: string): void {
    this.wrongOther ||= words;
    this.wrongOtherAt = index;
  }

  get worst(): Struck {
    const worst = this.#all.reduce((a, b) => (rankOf(b.outcome) >= rankOf(a.outcome) ? b : a));
    const [first] = this.#all;
    return { outcome: worst.outcome, reason: first === worst ? worst.reason : `${first.reason}; ${worst.reason}` };
  }
}

export const typeOf = (record: Uint8Array): number => (record[1] === 0x18 ? record[2] : 0);

const isCommand = (output: PortOutput | undefined) => output?.kind === 'record' && typeOf(output.bytes) < eventTypeMin;

function describe(output: PortOutput): string {
  return output.kind === 'record' ? `record ${typeOf(output.bytes)}` : output.kind;
}

export function isAccepted(output: PortOutput | undefined): boolean {
  return output?.kind === 'done' && (output.status & STATUS_MASK) === STATUS.ok;
}

/** A frame that its receiver takes for damaged. */
export function isRefused(output: PortOutput | undefined): boolean {
  return output?.kind === 'done' && (output.status & STATUS_MASK) === STATUS.crc;
}

/** Without the flag that an event waits: telling of an upset raises it. And without the hash of the context, in which upsets are counted. */
export function unflagged(output: PortOutput): PortOutput {
  return output.kind === 'done' ? { ...output, status: (output.status & ~FLAG_EVENT) >>> 0, hash: 0 } : output;
}

/** Without the time to wake: another one makes it late, not wrong. */
function untimed(output: PortOutput): PortOutput {
  const plain = unflagged(output);
  return plain.kind === 'done' ? { ...plain, deadlineMs: 0 } : plain;
}

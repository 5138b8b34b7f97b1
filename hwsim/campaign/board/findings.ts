import type { PortOutput } from '../../board/port.ts';
import { type Judgement, type OutcomeName, outcomeNames } from '../outcomes.ts';
import type { ReportedUpsets } from '../upset_events.ts';
import { type FrameChange, isCommand, sameOutput, typeOf, untimed } from './port_items.ts';

const rankOf = (outcome: OutcomeName) => outcomeNames.indexOf(outcome);

/**
 * Collects what is found while an injection is followed. The worst finding counts; the first is
 * reported as well.
 */
export class Findings implements ReportedUpsets {
  readonly #all: Judgement[] = [];
  /** Reported by the board: lines corrected in place, and records discarded. */
  corrected = 0;
  discarded = 0;
  /** The input whose answer last reported an upset. */
  reportedAt = -1;
  /** Frames that an uncorrupted board did not send. */
  readonly changes: FrameChange[] = [];
  /**
   * Right frames that the board took for damaged: they are lost to it, and to the board that it is
   * compared with.
   */
  readonly refused: number[] = [];
  /** Checkpoints that held the fault and were refused. */
  refusedCheckpoints = 0;
  /** The first input that was not answered as by an uncorrupted board, whatever the difference. */
  differsFrom = -1;
  /**
   * The first wrong command; the first wrong event, status or frame, and the input of the last one.
   */
  wrongCommand = '';
  wrongOther = '';
  wrongOtherAt = -1;

  add(outcome: OutcomeName, reason: string): void {
    this.#all.push({ outcome, reason });
  }

  /**
   * Adds the outcome of what differed. Wrong contents that were not detected are a wrong decision;
   * right ones at another time are late. A wrong command was obeyed: a later detection does not
   * undo that.
   */
  addDifference(detected: boolean): void {
    const found = detected || (this.corrected > 0 && this.reportedAt >= this.wrongOtherAt);
    if (this.wrongCommand !== '') this.add('SDC-local', this.wrongCommand);
    else if (this.wrongOther !== '' && !found) this.add('SDC-local', this.wrongOther);
    else if (this.refused.length > 0 && !found) this.add('SDC-local', `${this.refused.length} right frames refused`);
    else if (this.differsFrom >= 0 && !found)
      this.add('late', `right contents, but some at another time, from input ${this.differsFrom} on`);
  }

  /** Notes what differs in the answer to an input besides frames and the time to wake. */
  noteOthers(index: number, kind: string, outputs: readonly PortOutput[], expected: readonly PortOutput[]): void {
    const others = (list: readonly PortOutput[]) => list.filter((output) => output.kind !== 'frame').map(untimed);
    const [got, right] = [others(outputs), others(expected)];
    const count = Math.max(got.length, right.length);
    for (let place = 0; place < count; place += 1) {
      const [a, b] = [got[place], right[place]];
      if (sameOutput(a, b)) continue;
      const difference = a === undefined ? 'missing' : 'different';
      const what = `${describe(a ?? b)} is ${difference} in the answer to input ${index} (${kind})`;
      if (isCommand(a) || isCommand(b)) this.wrongCommand ||= what;
      else this.noteOther(index, what);
    }
  }

  noteOther(index: number, what: string): void {
    this.wrongOther ||= what;
    this.wrongOtherAt = index;
  }

  get worst(): Judgement {
    const worst = this.#all.reduce((a, b) => (rankOf(b.outcome) >= rankOf(a.outcome) ? b : a));
    const [first] = this.#all;
    return { outcome: worst.outcome, reason: first === worst ? worst.reason : `${first.reason}; ${worst.reason}` };
  }
}

function describe(output: PortOutput): string {
  return output.kind === 'record' ? `record ${typeOf(output.bytes)}` : output.kind;
}

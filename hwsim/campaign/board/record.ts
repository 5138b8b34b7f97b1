import type { Elf } from '../../../host/board/elf.ts';
import type { InjectionRecord } from '../campaign.ts';
import type { Judgement } from '../outcomes.ts';
import type { WorkerTask } from './campaign.ts';
import type { Injection } from './draw.ts';
import { type RamPart, ramSpan } from './ram.ts';

/**
 * The judgement of an injection. `address`: of the instruction that was skipped, or that came after
 * the injection.
 */
export interface JudgedInjection extends Judgement {
  address?: number;
}

const hexAddress = (address: number) => `0x${address.toString(16)}`;

function partOf(parts: readonly RamPart[], address: number): RamPart | undefined {
  return parts.find((part) => address >= part.address && address < part.address + part.bytes);
}

/** Returns the name of the function that an address lies in. */
function functionAt(elf: Elf, address: number): string {
  const found = elf.functions.findLast((each) => each.address <= address);
  return found === undefined || address >= found.address + found.bytes ? hexAddress(address) : found.name;
}

/**
 * Returns the bits of all flips, counted from the least significant bit of the first flip's byte.
 */
function bitsOf({ flips }: Injection): number[] {
  return flips.flatMap(({ offset, mask }) =>
    Array.from({ length: 8 }, (_, bit) => bit)
      .filter((bit) => (mask & (1 << bit)) !== 0)
      .map((bit) => (offset - flips[0].offset) * 8 + bit),
  );
}

/** What the records of one campaign have in common. */
export interface RecordSource {
  task: WorkerTask;
  /** The node of the recorded run. */
  node: number;
  elf: Elf;
}

/** Returns one line of a campaign's `--out`. */
export function recordOf(
  { task, node, elf }: RecordSource,
  index: number,
  injection: Injection,
  judged: JudgedInjection,
): InjectionRecord {
  const { target, image, seed } = task;
  const { address, parts } = ramSpan(elf);
  const { register, flips, call, at, input, model, span } = injection;
  const flipAddress = address + (flips[0]?.offset ?? 0);
  const part = flips.length === 0 ? undefined : partOf(parts, flipAddress);
  const when =
    call === undefined ? `asleep before input ${input}` : `in ${functionAt(elf, judged.address ?? 0)}, input ${input}`;
  const inRam = part?.name === 'linear' ? flipAddress - part.address : hexAddress(flipAddress);
  const place = register?.name ?? (flips.length === 0 ? hexAddress(judged.address ?? 0) : inRam);
  return {
    ...{ index, target, image, seed, models: task.models.join(','), model, node },
    ...(span === undefined ? {} : { span }),
    call: call ?? input,
    ...(at === undefined ? {} : { at }),
    place,
    bits: register !== undefined ? [register.bit] : bitsOf(injection),
    outcome: judged.outcome,
    reason: `${when}${part === undefined ? '' : `, ${part.name}`}: ${judged.reason}`,
  };
}

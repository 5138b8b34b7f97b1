import type { Elf } from '../../../host/board/elf.ts';
import type { InjectionRecord } from '../outcomes.ts';
import type { WorkerTask } from './campaign.ts';
import type { Strike } from './draw.ts';
import type { Row } from './row.ts';
import type { Struck } from './findings.ts';
import { type RamPart, ramSpan } from './subject.ts';

const hex = (address: number) => `0x${address.toString(16)}`;

function partOf(parts: readonly RamPart[], address: number): RamPart | undefined {
  return parts.find((part) => address >= part.address && address < part.address + part.bytes);
}

/** Name of the function that an address lies in. */
function functionAt(elf: Elf, address: number): string {
  const found = elf.functions.findLast((each) => each.address <= address);
  return found === undefined || address >= found.address + found.bytes ? hex(address) : found.name;
}

/** One line of a campaign's `--out`. */
export function recordOf(
  task: WorkerTask,
  index: number,
  row: Row,
  elf: Elf,
  strike: Strike,
  struck: Struck,
): InjectionRecord {
  const { target, image, seed } = task;
  const { address, parts } = ramSpan(elf);
  const { register, flips, call, at, input } = strike;
  const [first] = flips;
  const where = first === undefined ? undefined : partOf(parts, address + first.offset);
  const inCall =
    call === undefined ? `asleep before input ${input}` : `in ${functionAt(elf, struck.address ?? 0)}, input ${input}`;
  const linear =
    where?.name === 'linear' ? address + first.offset - where.address : hex(address + (first?.offset ?? 0));
  const bits = flips.flatMap(({ offset, mask }) =>
    Array.from({ length: 8 }, (_, bit) => bit)
      .filter((bit) => (mask & (1 << bit)) !== 0)
      .map((bit) => (offset - first.offset) * 8 + bit),
  );
  return {
    ...{ index, target, image, seed, models: task.models.join(','), model: strike.model, node: row.node },
    ...(strike.span === undefined ? {} : { span: strike.span }),
    call: call ?? input,
    ...(at === undefined ? {} : { at }),
    place: register !== undefined ? register.name : first === undefined ? hex(struck.address ?? 0) : linear,
    bits: register !== undefined ? [register.bit] : bits,
    outcome: struck.outcome,
    reason: `${inCall}${where === undefined ? '' : `, ${where.name}`}: ${struck.reason}`,
  };
}

/** Knows where a board's program keeps its data: parts of RAM, and bytes of linear memory. */
import type { Elf } from '../../../host/board/elf.ts';
import type { Target } from '../../../host/board/targets.ts';
import { EmulatorError } from '../../emulator/pool.ts';

/** A part of RAM. */
export interface RamPart {
  readonly name: 'linear' | 'static' | 'stack';
  readonly address: number;
  readonly bytes: number;
}

/** All RAM that a program of this target uses, from the first part to the last. */
export interface RamSpan {
  readonly address: number;
  readonly bytes: number;
  readonly parts: readonly RamPart[];
}

export function symbolOf(elf: Elf, name: string): number {
  const address = elf.symbols.get(name);
  if (address === undefined) throw new EmulatorError(`the ELF has no symbol '${name}'`);
  return address;
}

/**
 * Returns linear memory, static data of the loop and the drivers, and the stack, with the gaps
 * between them.
 */
export function ramSpan(elf: Elf): RamSpan {
  const at = (name: string) => symbolOf(elf, name);
  const [zeroBegin, zeroEnd, linearBegin, linearEnd] = ['zero_begin', 'zero_end', 'linear_begin', 'linear_end'].map(at);
  const [stackBottom, stackTop, cause] = ['stack_bottom', 'stack_top', 'start_cause'].map(at);
  const parts: RamPart[] = [
    { name: 'linear', address: linearBegin, bytes: linearEnd - linearBegin },
    { name: 'static', address: zeroBegin, bytes: linearBegin - zeroBegin },
    { name: 'static', address: linearEnd, bytes: zeroEnd - linearEnd },
    { name: 'static', address: cause, bytes: 8 },
    { name: 'stack', address: stackBottom, bytes: stackTop - stackBottom },
  ];
  const present = parts.filter(({ bytes }) => bytes > 0);
  const address = Math.min(...present.map((part) => part.address));
  const end = Math.max(...present.map((part) => part.address + part.bytes));
  return { address, bytes: end - address, parts: present };
}

/**
 * Returns the address of a byte of linear memory; on big-endian boards linear memory runs backwards
 * from its end.
 */
export function linearAddress(target: Target, elf: Elf, at: number): number {
  const begin = elf.symbols.get('linear_begin');
  const end = elf.symbols.get('zero_end');
  if (begin === undefined || end === undefined) throw new EmulatorError('the ELF does not say where linear memory is');
  if (at < 0 || at >= end - begin) throw new EmulatorError(`linear memory has ${end - begin} bytes: no address ${at}`);
  return target.bigEndian ? end - 1 - at : begin + at;
}

/** Reads the sizes of a built board from its ELF, and compares them with its budget. */
import { readFileSync } from 'node:fs';
import { readElf } from './elf.ts';
import type { Target } from './targets.ts';

export interface BoardSizes {
  /** Code and constants: the content of flash. */
  readonly codeBytes: number;
  /** All of RAM: linear memory, stack, and the rest. */
  readonly ramBytes: number;
  readonly linearBytes: number;
  readonly stackReservedBytes: number;
}

export interface BudgetLine {
  readonly what: string;
  readonly bytes: number;
  readonly budgetBytes: number;
  readonly partBytes: number | null;
  readonly ok: boolean;
}

export function readSizes(target: Target, elfPath: string): BoardSizes {
  const elf = readElf(readFileSync(elfPath));
  const size = (name: string) => elf.sections.find((section) => section.name === name)?.bytes ?? 0;
  const symbol = (name: string) => {
    const address = elf.symbols.get(name);
    if (address === undefined)
      throw new Error(`${elfPath} has no symbol ${name}: build ${target.name} anew with --force`);
    return address;
  };
  const ramBytes = ['.stack', '.noinit', '.linear', '.bss', '.data'].reduce((sum, name) => sum + size(name), 0);
  return {
    codeBytes: size('.text'),
    ramBytes,
    linearBytes: symbol('linear_end') - symbol('linear_begin'),
    stackReservedBytes: symbol('stack_top') - symbol('stack_bottom'),
  };
}

/** Writes the size report, a line per budget. */
export function budgetLines(target: Target, sizes: BoardSizes): BudgetLine[] {
  const line = (what: string, bytes: number, budgetBytes: number, partBytes: number | null) => ({
    ...{ what, bytes, budgetBytes, partBytes },
    ok: bytes <= budgetBytes,
  });
  return [
    line('code and constants', sizes.codeBytes, target.budget.codeBytes, target.flashBytes),
    line('RAM in all', sizes.ramBytes, target.budget.ramBytes, target.ramBytes),
    line('linear memory', sizes.linearBytes, target.budget.linearBytes, null),
  ];
}

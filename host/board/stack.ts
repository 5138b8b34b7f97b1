/**
 * Computes the static bound on the stack (BRD-1): the longest path in bytes from any entry, and
 * what the processor itself pushes. No interrupt handler returns on any board (the loop polls). So
 * the worst case is one path, and below it the watchdog's handler where that interrupt is taken on
 * the same stack.
 */
import { callGraphOf, type DeepestPath, deepestFrom, entriesOf, problemsOf } from './callgraph.ts';
import { boardFolder, type Target } from './targets.ts';

interface StackFacts {
  /** Bytes that the startup code takes before the first function. */
  readonly startBytes: number;
  /** Bytes that the processor pushes when it takes exceptions on this stack, padding included. */
  readonly interruptBytes: number;
  /** Handlers that run below whatever was interrupted; others begin on a fresh stack. */
  readonly handlers: readonly string[];
  /** Functions in assembly that discard the stack, and need none. */
  readonly assembly: readonly string[];
}

/**
 * Facts by architecture. Cortex-M: the extended exception frame of 26 words and its alignment
 * (ARMv7-M, B1.5), twice, because the watchdog's NMI may come in the handler of a service or fault.
 * LEON3: the first frame of startup.S.
 */
const facts: Readonly<Record<Target['architecture'], StackFacts>> = {
  cortexm: { startBytes: 0, interruptBytes: 2 * (26 * 4 + 4), handlers: ['watchdog_entry'], assembly: [] },
  riscv: { startBytes: 0, interruptBytes: 0, handlers: [], assembly: [] },
  leon3: { startBytes: 96, interruptBytes: 0, handlers: [], assembly: ['board_abandon'] },
};

export interface StackBound {
  readonly bytes: number;
  readonly deepest: DeepestPath;
  /** Bytes of the handler, its exception frame included. */
  readonly handlerBytes: number;
}

/**
 * Computes the bound of a built board from its folder. Throws, with the functions' names, when
 * there is no static bound.
 */
export function stackBound(target: Target, folder = boardFolder(target)): StackBound {
  const graph = callGraphOf(folder);
  const { startBytes, interruptBytes, handlers, assembly } = facts[target.architecture];
  const problems = problemsOf(graph, assembly);
  if (problems.length > 0) {
    const lines = problems.map(({ kind, path }) => `${kind}: ${path.join(' → ')}`);
    throw new Error(`${target.name}: the stack has no static bound\n${lines.join('\n')}`);
  }
  const paths = entriesOf(graph)
    .filter((key) => !handlers.includes(key))
    .map((key) => deepestFrom(graph, key));
  const deepest = paths.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const below = Math.max(0, ...handlers.map((key) => deepestFrom(graph, key).bytes));
  const handlerBytes = handlers.length > 0 ? interruptBytes + below : 0;
  return { bytes: startBytes + deepest.bytes + handlerBytes, deepest, handlerBytes };
}

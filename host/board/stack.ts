/**
 * The static bound on the stack (BRD-1). Longest path in bytes from any entry, plus what the processor itself puts there. No interrupt handler returns on any board
 * (the loop polls), so the worst case is one path down, and where a watchdog's interrupt is taken on the same stack, its handler below that.
 */
import { callGraphOf, type DeepestPath, deepestFrom, entriesOf, problemsOf } from './callgraph.ts';
import { boardFolder, type Target } from './targets.ts';

interface StackFacts {
  /** What the startup code takes before the first function. */
  readonly startBytes: number;
  /** What the processor pushes when it takes exceptions on this stack, padding included. */
  readonly interruptBytes: number;
  /** Handlers that run below whatever was interrupted; others begin on a fresh stack. */
  readonly handlers: readonly string[];
  /** Written in assembly: they throw the stack away, and need none. */
  readonly assembly: readonly string[];
}

/**
 * By architecture. Cortex-M: the extended exception frame of 26 words and its alignment (ARMv7-M, B1.5), twice, as the watchdog's NMI may strike in the
 * handler of a service or fault. LEON3: the first frame of startup.S.
 */
const facts: Readonly<Record<Target['architecture'], StackFacts>> = {
  cortexm: { startBytes: 0, interruptBytes: 2 * (26 * 4 + 4), handlers: ['watchdog_entry'], assembly: [] },
  riscv: { startBytes: 0, interruptBytes: 0, handlers: [], assembly: [] },
  leon3: { startBytes: 96, interruptBytes: 0, handlers: [], assembly: ['board_abandon'] },
};

export interface StackBound {
  readonly bytes: number;
  readonly deepest: DeepestPath;
  /** The handler's share, exception frame included. */
  readonly handlerBytes: number;
}

/** Reads a built board's folder. Throws, naming the functions, when there is no static bound. */
export function stackBound(target: Target, folder = boardFolder(target)): StackBound {
  const graph = callGraphOf(folder);
  const { startBytes, interruptBytes, handlers, assembly } = facts[target.architecture];
  const problems = problemsOf(graph, assembly);
  if (problems.length > 0) {
    const told = problems.map(({ kind, path }) => `${kind}: ${path.join(' → ')}`);
    throw new Error(`${target.name}: the stack has no static bound\n${told.join('\n')}`);
  }
  const paths = entriesOf(graph)
    .filter((key) => !handlers.includes(key))
    .map((key) => deepestFrom(graph, key));
  const deepest = paths.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const below = Math.max(0, ...handlers.map((key) => deepestFrom(graph, key).bytes));
  const handlerBytes = handlers.length > 0 ? interruptBytes + below : 0;
  return { bytes: startBytes + deepest.bytes + handlerBytes, deepest, handlerBytes };
}

/**
 * Reads the call graph of a program and the stack that each function takes (BRD-1) from what gcc
 * writes with `-fcallgraph-info=su` beside every object, after inlining. One `.ci` file per source
 * has nodes with the bytes of their frames, and edges for calls. A call through a pointer goes to a
 * node of its own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CallNode {
  readonly name: string;
  /** Bytes of the frame, saved registers included. */
  readonly bytes: number;
  /** True when the compiler knows the size at compile time. */
  readonly fixed: boolean;
  /** Keys of the functions that this one calls. */
  readonly calls: Set<string>;
}

export interface CallGraph {
  /**
   * Defined functions, by a key that is unique in the program: a global name, or file and static
   * name.
   */
  readonly nodes: ReadonlyMap<string, CallNode>;
}

export interface GraphProblem {
  readonly kind: 'recursion' | 'indirect-call' | 'unbounded-frame' | 'unknown-function';
  /** Names along the path, for people. */
  readonly path: readonly string[];
}

const indirect = '__indirect_call';

/** Reads the text of `.ci` files, one per source of the program. */
function readCallGraph(texts: readonly string[]): CallGraph {
  const nodes = new Map<string, CallNode>();
  for (const text of texts)
    for (const [, key, label] of text.matchAll(/^node: \{ title: "([^"]+)" label: "([^"]+)" \}$/gm)) {
      const size = /\\n(\d+) bytes \(([^)]+)\)/.exec(label);
      if (size === null) throw new Error(`no frame size for ${key}: compile with -fcallgraph-info=su`);
      nodes.set(key, {
        name: label.split('\\n')[0],
        bytes: Number(size[1]),
        fixed: size[2] === 'static',
        calls: new Set(),
      });
    }
  for (const text of texts)
    for (const [, from, to] of text.matchAll(/^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"/gm))
      nodes.get(from)?.calls.add(to);
  return { nodes };
}

/** Reads the graph of a built board from its folder. */
export function callGraphOf(folder: string): CallGraph {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ci'));
  if (files.length === 0)
    throw new Error(`${folder} has no .ci files: build the board again with \`npx heliograph board build --force\``);
  return readCallGraph(files.map((file) => readFileSync(join(folder, file), 'utf8')));
}

/**
 * Finds functions that nothing calls: where execution begins (reset, faults, targets of jumps in
 * assembly).
 */
export function entriesOf({ nodes }: CallGraph): string[] {
  const called = new Set([...nodes.values()].flatMap(({ calls }) => [...calls]));
  return [...nodes.keys()].filter((key) => !called.has(key));
}

/**
 * Lists everything that keeps the stack from having a static bound. `assembly`: functions written
 * in assembly, known to need no stack.
 */
export function problemsOf(graph: CallGraph, assembly: readonly string[] = []): GraphProblem[] {
  const problems: GraphProblem[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const spell = (keys: readonly string[]) => keys.map((key) => graph.nodes.get(key)?.name ?? key);
  const visit = (key: string): void => {
    if (key === indirect) {
      problems.push({ kind: 'indirect-call', path: spell(way.slice(-1)) });
      return;
    }
    const node = graph.nodes.get(key);
    if (node === undefined) {
      if (!assembly.includes(key)) problems.push({ kind: 'unknown-function', path: spell([...way.slice(-1), key]) });
      return;
    }
    const back = way.indexOf(key);
    if (back >= 0) {
      problems.push({ kind: 'recursion', path: spell([...way.slice(back), key]) });
      return;
    }
    if (done.has(key)) return;
    if (!node.fixed) problems.push({ kind: 'unbounded-frame', path: [node.name] });
    way.push(key);
    for (const called of node.calls) visit(called);
    way.pop();
    done.add(key);
  };
  for (const key of graph.nodes.keys()) visit(key);
  return problems;
}

export interface DeepestPath {
  readonly bytes: number;
  readonly frames: readonly { readonly name: string; readonly bytes: number }[];
}

/**
 * Finds the longest path from a function, in bytes of stack. For graphs without problems only: a
 * cycle has no end.
 */
export function deepestFrom(graph: CallGraph, from: string): DeepestPath {
  const known = new Map<string, DeepestPath>();
  const deepest = (key: string): DeepestPath => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const node = graph.nodes.get(key);
    if (node === undefined) return { bytes: 0, frames: [] };
    let below: DeepestPath = { bytes: 0, frames: [] };
    for (const called of node.calls) {
      const path = deepest(called);
      if (path.bytes > below.bytes) below = path;
    }
    const found = {
      bytes: node.bytes + below.bytes,
      frames: [{ name: node.name, bytes: node.bytes }, ...below.frames],
    };
    known.set(key, found);
    return found;
  };
  return deepest(from);
}

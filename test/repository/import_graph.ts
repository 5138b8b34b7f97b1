/** Draws the import graph of TypeScript sources, and finds in it what the layout forbids. */
import { posix } from 'node:path';

/** File → files that it imports, by path from the root. Type-only and dynamic imports count. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** Layers of one source tree, top first; modules of one layer do not import each other. */
export type Layers = readonly (readonly string[])[];

/** One statement that imports from, or re-exports, another file. */
export interface ImportStatement {
  /** As written, e.g. `../kernel/queue.ts`. */
  from: string;
  /** Names that are imported; `*` for a namespace, and for a dynamic import. */
  names: string[];
  isDynamic: boolean;
}

const comments = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;
/** What stands between `import` and `from`: a default or a namespace, and names in braces. */
const clause = /((?:[\w$*]+(?:\s+as\s+[\w$]+)?\s*,?\s*)?(?:\{[^}]*\})?)/.source;
const statements = new RegExp(`^\\s*(?:import|export)\\s+(?:type\\s+)?${clause}\\s*from\\s*(['"])([^'"\\n]+)\\2`, 'gm');
const bare = /^\s*import\s+(['"])([^'"\n]+)\1/gm;
const dynamic = /\bimport\(\s*(['"])([^'"\n]+)\1\s*\)/g;

function namesOf(clause: string): string[] {
  const braced = /\{([^}]*)\}/.exec(clause)?.[1] ?? '';
  const names = braced
    .split(',')
    .map((part) =>
      part
        .trim()
        .replace(/^type\s+/, '')
        .replace(/\s+as\s+.*$/, ''),
    )
    .filter(Boolean);
  const rest = clause
    .replace(/\{[^}]*\}/, '')
    .replace(/,/g, '')
    .trim();
  if (rest.startsWith('*')) names.push('*');
  else if (rest !== '') names.push('default');
  return names;
}

/** The imports of one source text. */
export function importsOf(source: string): ImportStatement[] {
  const code = source.replace(comments, '');
  return [
    ...[...code.matchAll(statements)].map(([, clause, , from]) => ({ from, names: namesOf(clause), isDynamic: false })),
    ...[...code.matchAll(bare)].map(([, , from]) => ({ from, names: [], isDynamic: false })),
    ...[...code.matchAll(dynamic)].map(([, , from]) => ({ from, names: ['*'], isDynamic: true })),
  ];
}

/** The file that an import names, among `files`; null for packages and data tables. */
export function resolveImport(importer: string, from: string, files: ReadonlySet<string>): string | null {
  if (!from.startsWith('.')) return null;
  const path = posix.join(posix.dirname(importer), from);
  return [path, `${path}.ts`, `${path}/index.ts`].find((candidate) => files.has(candidate)) ?? null;
}

/** The graph of all `sources` (path → text). */
export function drawGraph(sources: ReadonlyMap<string, string>): ImportGraph {
  const files = new Set(sources.keys());
  const targets = (path: string, source: string) =>
    importsOf(source).flatMap(({ from }) => resolveImport(path, from, files) ?? []);
  return new Map([...sources].map(([path, source]) => [path, [...new Set(targets(path, source))]]));
}

/** The same graph between groups of files: module → modules that it imports, itself left out. */
export function groupGraph(graph: ImportGraph, groupOf: (path: string) => string): ImportGraph {
  const groups = new Map<string, Set<string>>();
  for (const [path, targets] of graph) {
    const group = groupOf(path);
    const imported = groups.get(group) ?? new Set<string>();
    for (const target of targets) if (groupOf(target) !== group) imported.add(groupOf(target));
    groups.set(group, imported);
  }
  return new Map([...groups].map(([group, imported]) => [group, [...imported]]));
}

/**
 * Sets of nodes that import each other in a circle: the strongly connected components with more
 * than one node, and nodes that import themselves (Tarjan 1972). Each is sorted.
 */
export function cyclesOf(graph: ImportGraph): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    low.set(node, order.get(node)!);
    stack.push(node);
    for (const target of graph.get(node) ?? []) {
      if (!order.has(target)) visit(target);
      if (stack.includes(target)) low.set(node, Math.min(low.get(node)!, low.get(target)!));
    }
    if (low.get(node) !== order.get(node)) return;
    const component = stack.splice(stack.indexOf(node)).sort();
    if (component.length > 1 || graph.get(node)?.includes(node)) found.push(component);
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return found.sort();
}

/**
 * The module of a file: its folder below the tree (`firmware/intent`); files of the tree's own
 * folder are `firmware/.`.
 */
export function moduleOf(path: string): string {
  const [tree, module, ...rest] = path.split('/');
  return rest.length > 0 ? `${tree}/${module}` : `${tree}/.`;
}

/**
 * Imports from a lower layer into a higher or the same one, as `importer → imported`; modules
 * without a layer are named.
 */
export function upwardImports(graph: ImportGraph, tree: string, layers: Layers): string[] {
  const rankOf = (path: string) => layers.findIndex((layer) => layer.includes(moduleOf(path).slice(tree.length + 1)));
  return [...graph].flatMap(([path, targets]) => {
    if (!path.startsWith(`${tree}/`)) return [];
    if (rankOf(path) === -1) return [`${path} lies in no layer`];
    const inside = targets.filter((target) => target.startsWith(`${tree}/`) && moduleOf(target) !== moduleOf(path));
    return inside.filter((target) => rankOf(target) <= rankOf(path)).map((target) => `${path} → ${target}`);
  });
}

/** Imports from one tree into another that it must not know, as `importer → imported`. */
export function foreignImports(graph: ImportGraph, tree: string, foreign: readonly string[]): string[] {
  return [...graph].flatMap(([path, targets]) => {
    if (!path.startsWith(`${tree}/`)) return [];
    return targets.filter((target) => foreign.includes(target.split('/')[0])).map((target) => `${path} → ${target}`);
  });
}

const exported =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:function|const|let|class|enum|type|interface|namespace)\s+([\w$]+)/gm;

/**
 * Exports of `sources` that none of them imports, as `path name`. Files that `isRoot` are programs:
 * what they export is used elsewhere. A namespace import uses everything of its file.
 */
export function unusedExports(sources: ReadonlyMap<string, string>, isRoot: (path: string) => boolean): string[] {
  const files = new Set(sources.keys());
  const used = new Map<string, Set<string>>();
  for (const [path, source] of sources)
    for (const { from, names } of importsOf(source)) {
      const target = resolveImport(path, from, files);
      if (target === null) continue;
      const all = used.get(target) ?? new Set<string>();
      for (const name of names) all.add(name);
      used.set(target, all);
    }
  return [...sources].flatMap(([path, source]) => {
    const names = used.get(path) ?? new Set<string>();
    if (isRoot(path) || names.has('*')) return [];
    const own = [...source.matchAll(exported)].map(([, name]) => name);
    return own.filter((name) => !names.has(name)).map((name) => `${path} ${name}`);
  });
}

/** An undirected graph: for each vertex the vertices beside it. */
export type Graph = readonly (readonly number[])[];

/** Builds the graph of `size` vertices with these edges. */
export function graphOf(size: number, pairs: Iterable<{ a: number; b: number }>): Graph {
  const graph: number[][] = Array.from({ length: size }, () => []);
  for (const { a, b } of pairs) {
    graph[a].push(b);
    graph[b].push(a);
  }
  return graph;
}

/** Counts the parts of a graph that no edge joins, without one vertex if it is given. */
export function componentsOf(graph: Graph, without = -1): number {
  const seen = new Uint8Array(graph.length);
  if (without >= 0) seen[without] = 1;
  let components = 0;
  for (let root = 0; root < graph.length; root += 1) {
    if (seen[root] === 1) continue;
    components += 1;
    seen[root] = 1;
    const open = [root];
    for (let vertex = open.pop(); vertex !== undefined; vertex = open.pop()) {
      for (const next of graph[vertex]) {
        if (seen[next] === 1) continue;
        seen[next] = 1;
        open.push(next);
      }
    }
  }
  return components;
}

/**
 * Says whether a graph is connected, and stays so without any one of its vertices. Depth-first
 * search (Tarjan, 1972): a vertex divides the graph when nothing below it leads above it.
 */
export function survivesAnyLoss(graph: Graph): boolean {
  const depths = new Int32Array(graph.length).fill(-1);
  let seen = 0;
  let divides = false;
  const highestFrom = (vertex: number, depth: number): number => {
    depths[vertex] = depth;
    seen += 1;
    let highest = depth;
    let children = 0;
    for (const next of graph[vertex]) {
      if (depths[next] >= 0) {
        highest = Math.min(highest, depths[next]);
        continue;
      }
      children += 1;
      const reached = highestFrom(next, depth + 1);
      if (depth > 0 && reached >= depth) divides = true;
      highest = Math.min(highest, reached);
    }
    if (depth === 0 && children > 1) divides = true;
    return highest;
  };
  if (graph.length > 0) highestFrom(0, 0);
  return seen === graph.length && !divides;
}

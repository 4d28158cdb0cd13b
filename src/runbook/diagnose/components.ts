/**
 * The strongly connected components of a directed graph, each after all those it leads to (Tarjan, without
 * recursion: a queue of a thousand waiters would be a thousand calls deep). Linear in nodes and edges.
 * @param edges for each node, numbered from 0, the nodes it leads to
 */
export function findComponents(edges: readonly (readonly number[])[]): number[][] {
  const unvisited = -1;
  const order = new Int32Array(edges.length).fill(unvisited);
  const low = new Int32Array(edges.length);
  const next = new Int32Array(edges.length);
  const isOpen = new Uint8Array(edges.length);
  const open: number[] = [];
  const components: number[][] = [];
  let visited = 0;

  const enter = (node: number): number => {
    order[node] = low[node] = visited;
    visited += 1;
    isOpen[node] = 1;
    open.push(node);
    return node;
  };
  const lower = (node: number, to: number): void => {
    if (to < at(low, node)) low[node] = to;
  };
  const leave = (node: number): void => {
    if (low[node] !== order[node]) return;
    const component = open.splice(open.lastIndexOf(node));
    for (const member of component) isOpen[member] = 0;
    components.push(component);
  };

  for (let start = 0; start < edges.length; start += 1) {
    const path = order[start] === unvisited ? [enter(start)] : [];
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      const target = edges[node]?.[at(next, node)];
      next[node] = at(next, node) + 1;
      if (target === undefined) {
        path.pop();
        leave(node);
        const parent = path.at(-1);
        if (parent !== undefined) lower(parent, at(low, node));
      } else if (order[target] === unvisited) path.push(enter(target));
      else if (isOpen[target] === 1) lower(node, at(order, target));
    }
  }
  return components;
}

function at(values: Int32Array, index: number): number {
  return values[index] ?? 0;
}

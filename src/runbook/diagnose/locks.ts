import type { LockReading, WaiterReading } from '../snapshot/snapshot.ts';
import type { Blocking, Root } from './diagnosis.ts';

/**
 * The strongly connected components of a directed graph, each after all those it leads to (Tarjan, without
 * recursion: a queue of a thousand waiters would be a thousand calls deep). Linear in nodes and edges.
 * @param edges for each node, numbered from 0, the nodes it leads to
 */
function findComponents(edges: readonly (readonly number[])[]): number[][] {
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

export interface LockAnalysis {
  readonly blocking: Blocking;
  /** Distinct other waiters that stand behind each waiter. */
  readonly followers: ReadonlyMap<number, number>;
}

const mostWaiters = 1_000;
const mostRoots = 1_000;

/** A backend, or a prepared transaction by its gid: that one has no pid. */
type Blocker = number | string;

/** The waiters first and in their order, then the blockers that do not wait: edges by number are fast to follow. */
interface Graph {
  readonly nodes: readonly Blocker[];
  readonly waiters: number;
  readonly edges: readonly (readonly number[])[];
}

/**
 * Who holds up whom. Roots are blockers that do not wait themselves; a root's victims are the distinct waiters
 * that reach it, however long the way. Every edge is followed once, with the waiters behind it as one bit each,
 * so that 1,000 waiters with 50 blockers apiece take milliseconds.
 */
export function analyseLocks(reading: LockReading): LockAnalysis {
  const waiters = reading.waiters.slice(0, mostWaiters);
  const graph = toGraph(waiters);
  const components = findComponents(graph.edges);
  const behind = countBehind(graph, components);
  const roots = graph.nodes.flatMap((node, index) => {
    const victims = behind[index] ?? 0;
    return index < graph.waiters || victims === 0 ? [] : [toRoot(node, victims)];
  });
  return {
    blocking: {
      waiters: waiters.map(({ pid, waitsFor, lock, relation, waitSeconds }) => ({
        pid,
        waitsFor: [...waitsFor],
        lock,
        relation,
        waitSeconds,
      })),
      waitersTotal: reading.waitersTotal,
      truncated: reading.waitersTotal > waiters.length,
      roots: roots
        .toSorted((a, b) => b.victims - a.victims || rank(a) - rank(b))
        .slice(0, mostRoots),
      cycles: components
        .filter(({ length }) => length > 1)
        .map((ring) =>
          ring.flatMap((index) => waiters[index]?.pid ?? []).toSorted((a, b) => a - b),
        ),
    },
    followers: new Map(waiters.map(({ pid }, index) => [pid, behind[index] ?? 0])),
  };
}

function toGraph(waiters: readonly WaiterReading[]): Graph {
  const nodes: Blocker[] = waiters.map(({ pid }) => pid);
  const numbers = new Map(nodes.map((node, index) => [node, index]));
  const number = (node: Blocker): number => {
    const known = numbers.get(node);
    if (known !== undefined) return known;
    numbers.set(node, nodes.length);
    return nodes.push(node) - 1;
  };
  const edges: number[][] = waiters.map((waiter) => blockersOf(waiter).map(number));
  while (edges.length < nodes.length) edges.push([]);
  return { nodes, waiters: waiters.length, edges };
}

function blockersOf({ pid, waitsFor, prepared }: WaiterReading): Blocker[] {
  const pids = waitsFor.filter((blocker) => blocker !== 0 && blocker !== pid);
  if (!waitsFor.includes(0)) return pids;
  return [...pids, ...(prepared.length > 0 ? prepared : ['unknown'])];
}

/**
 * For each node, how many other waiters stand behind it. The components arrive blockers first, so from their
 * end on each one's waiters are complete before anything takes them over.
 */
function countBehind(graph: Graph, components: readonly (readonly number[])[]): Uint32Array {
  const words = Math.ceil(graph.waiters / 32);
  const sets: Uint32Array[] = [];
  const sources: number[][] = components.map(() => []);
  const behind = new Uint32Array(graph.nodes.length);
  const home = new Uint32Array(graph.nodes.length);
  components.forEach((ring, index) => ring.forEach((node) => (home[node] = index)));
  for (let index = components.length - 1; index >= 0; index -= 1) {
    const ring = components[index] ?? [];
    const own = new Uint32Array(words);
    // The nearest first: who stands behind a waiter that is in has come in with it, so a queue costs one merge each.
    for (const source of (sources[index] ?? []).toReversed()) {
      if (!hasBit(own, components[source]?.[0] ?? 0)) merge(own, sets[source] ?? own);
    }
    const received = popCount(own);
    for (const node of ring) if (node < graph.waiters) addBit(own, node);
    // Within a ring everybody stands behind everybody else.
    const others = ring.length > 1 ? popCount(own) - 1 : received;
    for (const node of ring) behind[node] = others;
    // Roots lead nowhere, and of them there may be many.
    if (ring.some((node) => node < graph.waiters)) sets[index] = own;
    for (const node of ring) {
      for (const target of graph.edges[node] ?? []) {
        const to = home[target] ?? 0;
        if (to !== index) sources[to]?.push(index);
      }
    }
  }
  return behind;
}

function hasBit(set: Uint32Array, bit: number): boolean {
  return ((set[bit >> 5] ?? 0) & (1 << (bit & 31))) !== 0;
}

function addBit(set: Uint32Array, bit: number): void {
  set[bit >> 5] = (set[bit >> 5] ?? 0) | (1 << (bit & 31));
}

function merge(into: Uint32Array, from: Uint32Array): void {
  for (let at = 0; at < from.length; at += 1) into[at] = (into[at] ?? 0) | (from[at] ?? 0);
}

function popCount(set: Uint32Array): number {
  let total = 0;
  for (let word of set) for (; word !== 0; word &= word - 1) total += 1;
  return total;
}

function toRoot(blocker: Blocker, victims: number): Root {
  return typeof blocker === 'number' ? { pid: blocker, victims } : { prepared: blocker, victims };
}

function rank(root: Root): number {
  return 'pid' in root ? root.pid : 0;
}

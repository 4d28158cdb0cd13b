import type { IncidentReport } from '../report.ts';

type Graph = IncidentReport['graph'];

const columns = 60;
const rows = 8;
const eighths = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** Used slots over time as block characters, with the usable ones as the upper edge; nothing for fewer than two figures. */
export function drawSlots(graph: Graph): string[] {
  const [first, last] = [graph[0], graph.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  const top = Math.max(1, ...graph.flatMap(({ used, usable }) => [used, usable]));
  const heights = toColumns(graph).map((used) => Math.round((used / top) * rows * 8));
  const width = String(top).length;
  const lines = Array.from({ length: rows }, (_, index) => {
    const floor = (rows - 1 - index) * 8;
    const bars = heights.map((height) => eighths[Math.min(8, Math.max(0, height - floor))] ?? ' ');
    const mark = index === 0 ? String(top) : index === rows - 1 ? '0' : '';
    return `${mark.padStart(width)} ┤${bars.join('')}`.trimEnd();
  });
  const [from, to] = [clock(first.at), clock(last.at)];
  const axis = `${' '.repeat(width)}  ${from}${to.padStart(columns - from.length)}`;
  return ['```text', ...lines, axis, '```'];
}

/** The fullest figure of each column; where there is none, the last one before it still holds. */
function toColumns(graph: Graph): number[] {
  const from = Date.parse(graph[0]?.at ?? '');
  const span = Math.max(1, Date.parse(graph.at(-1)?.at ?? '') - from);
  const most = new Map<number, number>();
  const latest = new Map<number, number>();
  for (const { at, used } of graph) {
    const column = Math.min(columns - 1, Math.floor(((Date.parse(at) - from) / span) * columns));
    most.set(column, Math.max(used, most.get(column) ?? 0));
    latest.set(column, used);
  }
  let held = 0;
  return Array.from({ length: columns }, (_, column) => {
    const shown = most.get(column) ?? held;
    held = latest.get(column) ?? held;
    return shown;
  });
}

/** `03:04:05` of UTC ISO text. */
export function clock(iso: string): string {
  return iso.slice(11, 19);
}

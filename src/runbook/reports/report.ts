import type { ApprovalRequest } from '../approvals/request.ts';
import type { Pooler } from '../diagnose/diagnosis-parts.ts';
import type { Cause, Finding } from '../diagnose/diagnosis.ts';
import type { KeptNote } from '../incidents/incident-log.ts';
import { Observation } from '../incidents/incident.ts';
import type { Incident } from '../incidents/incident.ts';
import type { KeptCheck } from './advice/advice-input.ts';

/** What an incident was, written once it is over. Rendered as Markdown and for Slack; nothing computes while rendering. */
export interface IncidentReport {
  readonly incident: Incident;
  /** `orders ran out of connections for 23 minutes: connection leak in backend.` */
  readonly title: string;
  /** The incident's own notes and those of its requests, in order. */
  readonly timeline: readonly KeptNote[];
  /** Used and usable slots while it lasted, oldest first, at most 120. */
  readonly graph: readonly {
    readonly at: string;
    readonly used: number;
    readonly usable: number;
  }[];
  readonly cause: Cause | null;
  /** What it was where it was none of the runbook's six; its id is one of `troubles`. */
  readonly trouble: Finding | null;
  /** What changed around it in the hour before, oldest first, as sentences of services and names of variables. */
  readonly changes: readonly { readonly at: string; readonly sentence: string }[];
  readonly remedies: readonly ApprovalRequest[];
  /** How long it took until somebody knew, had it, changed something, and until it was over. */
  readonly phases: readonly { readonly name: string; readonly tookMs: number | null }[];
  /** What would have prevented it, computed from this incident. */
  readonly prevention: readonly Advice[];
  /** What dbconn cannot tell of it, such as a start before which it did not check. */
  readonly gaps: readonly string[];
}

/** A setting that is, or would have been, better otherwise. */
export interface Advice {
  /** `idle_in_transaction_session_timeout`, `DATABASE_POOL_SIZE of backend`. */
  readonly setting: string;
  /** As it is now; null where that is not known. */
  readonly now: string | null;
  readonly better: string;
  /** Why, with the figures it is computed from. */
  readonly because: string;
  /** What to type after /dbconn to propose it, where dbconn can do it. */
  readonly command?: string;
}

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

/** One line of the runbook's Prevention section, held against what is so. */
export interface PreventionCheck extends Advice {
  readonly state: 'ok' | 'advice' | 'unknown';
  readonly part: 'application' | 'postgresql' | 'pooler';
}

/** The answer to `/dbconn prevention`: Slack and the terminal render it and compute nothing. */
export interface Prevention {
  readonly target: string;
  /** When it was checked; UTC ISO text. */
  readonly lookedAt: string;
  /** In the runbook's order: applications, PostgreSQL, pooler. */
  readonly checks: readonly PreventionCheck[];
  /** What the consoles of the PgBouncers say that could be read. */
  readonly poolers: readonly Pooler[];
}

type Point = IncidentReport['graph'][number];

const mostPoints = 120;
/** What was before shows how it came; much before is another story. */
const leadMs = 60 * 60_000;
const trailMs = 10 * 60_000;

interface Traces {
  readonly incident: Incident;
  readonly notes: readonly KeptNote[];
  readonly requests: readonly ApprovalRequest[];
  readonly checks: readonly KeptCheck[];
}

/** Used and usable slots from an hour before the incident to its end: every figure that was kept, oldest first. */
export function readPoints(traces: Traces): Point[] {
  const { openedAt, closing } = traces.incident;
  const from = Date.parse(openedAt) - leadMs;
  const to = closing === null ? Infinity : Date.parse(closing.at) + trailMs;
  const byTime = new Map<number, Point>();
  for (const { at, used, usable } of allPoints(traces)) {
    const time = Date.parse(at);
    if (time >= from && time <= to) byTime.set(time, { at, used, usable });
  }
  return [...byTime].toSorted(([a], [b]) => a - b).map(([, point]) => point);
}

function allPoints({ incident, notes, requests, checks }: Traces): Point[] {
  const { first, last, peak } = incident;
  const noted = notes.map(({ facts }) => Observation.safeParse(facts?.['seen']).data);
  const observed = [first, last, ...noted].flatMap((one) =>
    one === null || one === undefined || one.capacity === null
      ? []
      : [{ at: one.at, ...one.capacity }],
  );
  return [
    ...checks.flatMap(({ recent, diagnosis }) => [...recent, ...diagnosis.history]),
    ...requests.flatMap(ofRequest),
    ...observed,
    ...(peak === null ? [] : [peak]),
  ];
}

function ofRequest({ execution, result }: ApprovalRequest): Point[] {
  const before = execution?.before;
  const after = execution?.after;
  return [
    ...(execution !== null && typeof before === 'object' && before !== null
      ? [{ at: execution.startedAt, ...before }]
      : []),
    ...(result !== null && typeof after === 'object' && after !== null
      ? [{ at: result.endedAt, ...after }]
      : []),
  ];
}

/**
 * As many of them as a report shows. Of neighbours the fullest stays, so that a peak is never thinned away; first and
 * last stay too. For people only: calm between two peaks is thinned away.
 */
export function drawGraph(points: readonly Point[]): Point[] {
  if (points.length <= mostPoints) return [...points];
  const inner = points.slice(1, -1);
  const size = inner.length / (mostPoints - 2);
  const kept = Array.from({ length: mostPoints - 2 }, (_, bucket) =>
    inner
      .slice(Math.floor(bucket * size), Math.floor((bucket + 1) * size))
      .reduce<Point | undefined>(fuller, undefined),
  );
  return [points[0], ...kept, points.at(-1)].filter((point) => point !== undefined);
}

function fuller(best: Point | undefined, next: Point): Point {
  return best === undefined || next.used > best.used ? next : best;
}

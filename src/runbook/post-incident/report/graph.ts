import type { ApprovalRequest } from '../../approval/request.ts';
import type { Incident } from '../../incident/incident.ts';
import type { KeptNote } from '../../incident/note.ts';
import { Observation } from '../../incident/incident.ts';
import type { KeptCheck } from '../read-examinations.ts';
import type { IncidentReport } from '../report.ts';

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
 * last stay too. To be looked at only: calm between two peaks is thinned away.
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

import type { Capacity, Forecast } from './diagnosis.ts';
import type { RecentLook } from './look-ring.ts';
import type { DatabaseReading } from './snapshot.ts';
import { count, duration } from './words.ts';

/** Fewer points or a shorter time give a line through noise. */
const leastLooks = 3;
const leastSpanMs = 15_000;
/** What was before says nothing of what is going on now. */
const longestSpanMs = 15 * 60_000;
/** Past a day a straight line is no forecast. */
const furthestMinutes = 24 * 60;

/**
 * When the server will be full if it goes on like this. From the recent looks, the present one last; without
 * enough of them from the connection starts of this look; else it says that there is not enough data.
 */
export function forecast(
  looks: readonly RecentLook[],
  capacity: Capacity | null,
  reading: DatabaseReading | undefined,
): Forecast {
  if (capacity === null || reading === undefined) {
    return none('The sessions could not be read, so there is nothing to forecast from.');
  }
  if (capacity.free === 0) return { ...none('It is full already.'), minutesUntilFull: 0 };
  return fromLooks(looks, capacity) ?? fromStarts(reading, capacity);
}

function none(reason: string): Forecast {
  return { connectionsPerMinute: null, minutesUntilFull: null, basis: 'none', reason };
}

interface Point {
  readonly minutes: number;
  readonly used: number;
}

function fromLooks(looks: readonly RecentLook[], capacity: Capacity): Forecast | undefined {
  const last = looks.at(-1);
  if (last === undefined) return undefined;
  const end = Date.parse(last.at);
  const points = looks
    .filter(({ at, usable }) => usable === last.usable && end - Date.parse(at) <= longestSpanMs)
    .map(({ at, used }) => ({ minutes: (Date.parse(at) - end) / 60_000, used }));
  const relief = sinceRelief(points, capacity.usable);
  const used = isEnough(relief) ? relief : points;
  if (!isEnough(used)) return undefined;
  return judge(used, capacity, used === relief && relief.length < points.length);
}

function isEnough(points: readonly Point[]): boolean {
  return points.length >= leastLooks && span(points) * 60_000 >= leastSpanMs;
}

function span(points: readonly Point[]): number {
  return (points.at(-1)?.minutes ?? 0) - (points[0]?.minutes ?? 0);
}

/** The points from the lowest on, when the slots dropped markedly before it: what happened before is over. */
function sinceRelief(points: readonly Point[], usable: number): readonly Point[] {
  const lowest = Math.min(...points.map(({ used }) => used));
  const at = points.findLastIndex(({ used }) => used === lowest);
  const before = Math.max(...points.slice(0, at + 1).map(({ used }) => used));
  return before - lowest >= Math.max(2, usable * 0.1) ? points.slice(at) : points;
}

function judge(points: readonly Point[], capacity: Capacity, refilling: boolean): Forecast {
  const { slope, noise } = fitLine(points);
  const change = slope * span(points);
  const over = `${count(points.length, 'look')} over ${duration(span(points) * 60)}`;
  const base = { connectionsPerMinute: round(slope), basis: 'recent-looks' as const };
  if (Math.abs(change) < Math.max(2, 2 * noise)) {
    return { ...base, minutesUntilFull: null, reason: `Steady over the last ${over}.` };
  }
  if (slope < 0) return { ...base, minutesUntilFull: null, reason: `Shrinking: ${over}.` };
  const word = refilling ? 'Refilling after it had dropped' : 'Growing';
  return { ...base, minutesUntilFull: untilFull(capacity, slope), reason: `${word}: ${over}.` };
}

/** Least squares; `noise` is the standard deviation around the line. */
function fitLine(points: readonly Point[]): { slope: number; noise: number } {
  const mean = (pick: (point: Point) => number): number =>
    points.reduce((total, point) => total + pick(point), 0) / points.length;
  const x = mean(({ minutes }) => minutes);
  const y = mean(({ used }) => used);
  const spread = mean(({ minutes }) => (minutes - x) ** 2);
  const slope = spread === 0 ? 0 : mean((p) => (p.minutes - x) * (p.used - y)) / spread;
  const noise = Math.sqrt(mean((p) => (p.used - y - slope * (p.minutes - x)) ** 2));
  return { slope, noise };
}

/**
 * Connections that started one to five minutes ago and are still there will likely stay. Those of the last
 * minute may be short-lived, and ended ones are not seen, so this is an upper bound.
 */
function fromStarts({ counts, at, startedAt }: DatabaseReading, capacity: Capacity): Forecast {
  const uptimeMs = Date.parse(at) - Date.parse(startedAt);
  if (uptimeMs < 5 * 60_000) {
    return none('Not enough data: the server started less than five minutes ago.');
  }
  const perMinute = Math.min(counts.newIn60s, (counts.newIn300s - counts.newIn60s) / 4);
  if (perMinute === 0 && counts.newIn60s > 1) {
    return none(
      `Not enough data: ${count(counts.newIn60s, 'connection')} began in the last minute, none in the four before; another look will tell.`,
    );
  }
  return {
    connectionsPerMinute: round(perMinute),
    minutesUntilFull: perMinute < 0.5 ? null : untilFull(capacity, perMinute),
    basis: 'connection-starts',
    reason:
      'At most so fast: judged by when the present connections began; ended ones are not seen.',
  };
}

function untilFull({ free }: Capacity, perMinute: number): number | null {
  const minutes = free / perMinute;
  return minutes > furthestMinutes ? null : round(minutes);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

import type { DatabaseReading } from '../snapshot/snapshot.ts';
import { count, durationOfSeconds, sum } from '../snapshot/words.ts';
import type { Capacity, Forecast } from './diagnosis.ts';
import type { RecentCheck } from './recent-checks.ts';

/** Used slots at a moment; `seconds` before the last one, so never above 0. */
interface Point {
  readonly seconds: number;
  readonly used: number;
}

interface Growth {
  /** The points it was seen in. */
  readonly points: readonly Point[];
  readonly perMinute: number;
}

/** A number higher than all before it. */
interface Rise {
  readonly index: number;
  readonly seconds: number;
  readonly by: number;
}

/** Fewer rises give a line through noise. */
const leastRises = 3;
/** So few connections are a pool that opened. */
const mostRisesByChance = 5;
/** What did not rise for longer does not grow, unless it grew that slowly all along. */
const freshSeconds = 60;
/** From so many rises on their own pace is known. */
const manyRises = 6;

/**
 * The growth that still goes on at the last point: several rises, the last one of the last minute, and more than five
 * connections besides the largest. What came in one step is no growth, and only what came after it can be. Null
 * otherwise.
 */
function findGrowth(points: readonly Point[]): Growth | null {
  const rises = connected(findRises(points), points);
  const largest = rises.toSorted((a, b) => b.by - a.by)[0];
  const total = sum(rises.map(({ by }) => by));
  if (largest === undefined || rises.length < leastRises) return null;
  if (largest.by > total / 2) return findGrowth(points.slice(largest.index));
  if (total - largest.by <= mostRisesByChance) return null;
  const from = points.slice(beginning(rises, points));
  const { slope, noise } = fitLine(from);
  const change = slope * -(from[0]?.seconds ?? 0);
  // Three times what chance alone gives a line through so many points.
  const chance = 3 * noise * Math.sqrt(12 / from.length);
  return change < Math.max(2, 2 * noise, chance) ? null : { points: from, perMinute: slope * 60 };
}

/** One pause before the first rise, so that a slow growth is not taken for a faster one; one point at least. */
function beginning(rises: readonly Rise[], points: readonly Point[]): number {
  const [first] = rises;
  if (first === undefined) return 0;
  const since = first.seconds - median(pausesOf(rises));
  const at = points.findIndex(({ seconds }) => seconds >= since);
  return Math.max(0, Math.min(at, first.index - 1));
}

function pausesOf(rises: readonly Rise[]): number[] {
  return rises.slice(1).map(({ seconds }, at) => seconds - (rises[at]?.seconds ?? 0));
}

function findRises(points: readonly Point[]): Rise[] {
  const rises: Rise[] = [];
  let top = points[0]?.used ?? 0;
  for (const [index, { seconds, used }] of points.entries()) {
    if (used > top) rises.push({ index, seconds, by: used - top });
    top = Math.max(top, used);
  }
  return rises;
}

/** The last rises without a long pause between them; none when the last one is over for long. */
function connected(rises: readonly Rise[], points: readonly Point[]): readonly Rise[] {
  const pauses = pausesOf(rises);
  const pace = median(pauses);
  // Looks further apart than a minute still show that it grew between the last two.
  const between = -(points.at(-2)?.seconds ?? 0);
  const longestQuietSeconds = Math.max(
    freshSeconds,
    between,
    rises.length < manyRises ? 0 : 2 * pace,
  );
  if (-(rises.at(-1)?.seconds ?? -Infinity) > longestQuietSeconds) return [];
  const broken = pauses.findLastIndex((pause) => pause > Math.max(freshSeconds, 3 * pace));
  return rises.slice(broken + 1);
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Least squares, by the second; `noise` is the standard deviation around the line. */
function fitLine(points: readonly Point[]): {
  readonly slope: number;
  readonly noise: number;
} {
  const mean = (pick: (point: Point) => number): number =>
    points.reduce((total, point) => total + pick(point), 0) / points.length;
  const x = mean(({ seconds }) => seconds);
  const y = mean(({ used }) => used);
  const spread = mean(({ seconds }) => (seconds - x) ** 2);
  const slope = spread === 0 ? 0 : mean((p) => (p.seconds - x) * (p.used - y)) / spread;
  const noise = Math.sqrt(mean((p) => (p.used - y - slope * (p.seconds - x)) ** 2));
  return { slope, noise };
}

/** What was before says nothing of what is going on now. */
const longestSpanMs = 15 * 60_000;
/** With fewer checks, or checks within seconds of each other, the connections' own starts tell more. */
const leastChecks = 3;
const leastSpanMs = 15_000;
/** Past a day a straight line is no forecast. */
const furthestMinutes = 24 * 60;
/** So few, or one step, are a pool that opened, and say nothing of the next minute. */
const mostByChance = 5;

/**
 * When the server will be full if it goes on like this. From the recent checks, the present one last; without
 * enough of them from the connection starts of this look; else it says that there is not enough data. Only growth that
 * still goes on is continued: in the last minute, in several steps and by more than five connections. Otherwise `reason`
 * says since when the number is flat.
 */
export function forecast(
  checks: readonly RecentCheck[],
  capacity: Capacity | null,
  reading: DatabaseReading | undefined,
): Forecast {
  if (capacity === null || reading === undefined) {
    return none('The sessions could not be read, so there is no forecast.');
  }
  if (capacity.free === 0) return { ...none('Already full.'), minutesUntilFull: 0 };
  return fromChecks(checks, capacity) ?? fromStarts(reading, capacity);
}

function none(reason: string): Forecast {
  return { connectionsPerMinute: null, minutesUntilFull: null, basis: 'none', reason };
}

function fromChecks(checks: readonly RecentCheck[], capacity: Capacity): Forecast | undefined {
  const last = checks.at(-1);
  if (last === undefined) return undefined;
  const end = Date.parse(last.at);
  const points = checks
    .filter(({ at, usable }) => usable === last.usable && end - Date.parse(at) <= longestSpanMs)
    .map(({ at, used }): Point => ({ seconds: (Date.parse(at) - end) / 1_000, used }));
  const relief = sinceRelief(points, capacity.usable);
  const since = isEnough(relief) ? relief : points;
  if (!isEnough(since)) return undefined;
  const growth = findGrowth(since);
  return growth === null
    ? toFlat(since)
    : goOn(growth, capacity, since === relief && relief.length < points.length);
}

function isEnough(points: readonly Point[]): boolean {
  return points.length >= leastChecks && -(points[0]?.seconds ?? 0) * 1_000 >= leastSpanMs;
}

/**
 * The points from the lowest on, when the slots dropped markedly before it: what happened before is over. Markedly is
 * far more than they go up and down from look to look, else the bottom of any load would count as a relief.
 */
function sinceRelief(points: readonly Point[], usable: number): readonly Point[] {
  const lowest = Math.min(...points.map(({ used }) => used));
  const at = points.findLastIndex(({ used }) => used === lowest);
  const before = Math.max(...points.slice(0, at + 1).map(({ used }) => used));
  const changes = points.slice(1).map(({ used }, index) => used - (points[index]?.used ?? 0));
  const usual = median(changes.map(Math.abs));
  return before - lowest >= Math.max(2, usable * 0.1, 5 * usual) ? points.slice(at) : points;
}

/** A pool in use goes up and down by so many. */
const still = 2;
const minuteSeconds = 60;

/** Since when nothing grows, or that it goes down, or that too little came to say how it goes on. */
function toFlat(points: readonly Point[]): Forecast {
  const { slope, noise } = fitLine(points);
  const base = { minutesUntilFull: null, basis: 'recent-looks' as const };
  const seconds = -(points[0]?.seconds ?? 0);
  const over = `${count(points.length, 'check')} over ${durationOfSeconds(seconds)}`;
  const flat = lastFlat(points);
  const since = -(flat[0]?.seconds ?? 0);
  const step = stepBefore(points, flat);
  if (since >= minuteSeconds) {
    const after =
      Math.abs(step) > still ? ` after ${Math.abs(step)} ${step > 0 ? 'opened' : 'closed'}` : '';
    return {
      ...base,
      connectionsPerMinute: 0,
      reason: `Flat for ${durationOfSeconds(since)}${after}: ${over}.`,
    };
  }
  const perMinute = round(slope * 60);
  if (-slope * seconds >= Math.max(2, 2 * noise)) {
    return { ...base, connectionsPerMinute: perMinute, reason: `Shrinking: ${over}.` };
  }
  if (step > still && noise <= step) {
    return {
      ...none(`Not enough data: ${count(step, 'connection')} opened in the last minute.`),
    };
  }
  return { ...base, connectionsPerMinute: perMinute, reason: `Steady over the last ${over}.` };
}

/** The last points that differ by no more than a pool in use does. */
function lastFlat(points: readonly Point[]): readonly Point[] {
  for (let from = points.length - 1; from >= 0; from -= 1) {
    const used = points.slice(from).map((point) => point.used);
    if (Math.max(...used) - Math.min(...used) > still) return points.slice(from + 1);
  }
  return points;
}

/** How many came or went in the minute before it was flat; below 0 when they went. */
function stepBefore(points: readonly Point[], flat: readonly Point[]): number {
  const first = flat[0];
  if (first === undefined) return 0;
  const earlier = points.slice(0, points.length - flat.length);
  const near = earlier.find(({ seconds }) => first.seconds - seconds <= minuteSeconds);
  return first.used - (near ?? earlier.at(-1) ?? first).used;
}

function goOn({ points, perMinute }: Growth, capacity: Capacity, refilling: boolean): Forecast {
  const word = refilling ? 'Refilling after a drop' : 'Growing';
  const over = durationOfSeconds(-(points[0]?.seconds ?? 0));
  return {
    connectionsPerMinute: round(perMinute),
    minutesUntilFull: untilFull(capacity, perMinute),
    basis: 'recent-looks',
    reason: `${word}: ${count(points.length, 'check')} over ${over}.`,
  };
}

/** Where so many should have come, none is a pause and not chance. */
const leastExpected = 3;

/**
 * Connections that started one to five minutes ago and are still there will likely stay. Those of the last
 * minute may be short-lived, and ended ones are not seen, so this is an upper bound. A step would look like growth in
 * one of the windows: so all of them have to agree, and each to have more than a few.
 */
function fromStarts({ counts, at, startedAt }: DatabaseReading, capacity: Capacity): Forecast {
  const uptimeMs = Date.parse(at) - Date.parse(startedAt);
  if (uptimeMs < 5 * 60_000) {
    return none('Not enough data: the server started less than five minutes ago.');
  }
  const { newIn10s, newIn60s, newIn300s } = counts;
  const before = newIn300s - newIn60s;
  const perMinute = Math.min(newIn60s, before / 4);
  if (newIn300s === 0) {
    const reason = 'No current connection was opened in the last five minutes.';
    return { ...none(reason), connectionsPerMinute: 0, basis: 'connection-starts' };
  }
  const steady = newIn60s <= before / 2 && before / 4 <= 2 * newIn60s;
  const paused = newIn10s === 0 && perMinute > 6 * leastExpected;
  if (Math.min(newIn60s, before) <= mostByChance || !steady || paused) {
    return none(
      `Not enough data: ${count(newIn60s, 'connection')} opened in the last minute, ${before === 0 ? 'none' : before} in the four before.`,
    );
  }
  return {
    connectionsPerMinute: round(perMinute),
    minutesUntilFull: untilFull(capacity, perMinute),
    basis: 'connection-starts',
    reason: 'Upper bound: judged by when current connections opened; closed ones are not counted.',
  };
}

function untilFull({ free }: Capacity, perMinute: number): number | null {
  const minutes = free / perMinute;
  return minutes > furthestMinutes ? null : round(minutes);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

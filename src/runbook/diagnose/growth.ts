import { sum } from '../snapshot/words.ts';

/** Used slots at a moment; `seconds` before the last one, so never above 0. */
export interface Point {
  readonly seconds: number;
  readonly used: number;
}

export interface Growth {
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
export function findGrowth(points: readonly Point[]): Growth | null {
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
export function fitLine(points: readonly Point[]): {
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

import { median } from './growth.ts';
import type { RecentCheck } from './look-ring.ts';

export interface Rhythm {
  readonly periodSeconds: number;
  readonly bursts: number;
  /** How many came at once, at the largest. */
  readonly size: number;
}

/** Twice is a coincidence. */
const leastBursts = 3;
/** A look a minute cannot tell shorter ones from load. */
const leastPeriodSeconds = 3 * 60;
/** Looks this near to each other see one burst. */
const oneBurstSeconds = 120;
/** A burst begins up to a minute before the look that sees it. */
const slackSeconds = 75;
const slackShare = 0.15;
const leastSize = 5;

/**
 * Bursts of connections that come at equal distances within the hour that dbconn remembers: pools that replace theirs
 * in the same minute, jobs that begin together. Seen by connections that began, and by slots that are taken for a while.
 * Null without three bursts whose distances agree.
 */
export function findRhythm(checks: readonly RecentCheck[]): Rhythm | null {
  const usual = median(checks.map(({ used }) => used));
  const started = checks.map(({ newIn60s = 0 }) => newIn60s);
  const usualStarts = median(started);
  const above = (check: RecentCheck): number => check.used - usual;
  const fresh = ({ newIn60s = 0 }: RecentCheck): number => newIn60s - usualStarts;
  return (
    measure(checks, above, ({ usable }) => usable * 0.1) ??
    measure(checks, fresh, ({ used }) => Math.max(used * 0.3, usualStarts * 2))
  );
}

type Of = (check: RecentCheck) => number;

function measure(checks: readonly RecentCheck[], size: Of, least: Of): Rhythm | null {
  const isHigh = (check: RecentCheck): boolean => size(check) >= Math.max(leastSize, least(check));
  const high = checks.filter(isHigh);
  const starts = high
    .map(({ at }) => Date.parse(at) / 1_000)
    .filter((second, index, all) => second - (all[index - 1] ?? -Infinity) > oneBurstSeconds);
  // What was on already when the memory begins has no beginning.
  const known = checks[0] !== undefined && isHigh(checks[0]) ? starts.slice(1) : starts;
  if (known.length < leastBursts || high.length > checks.length / 2) return null;
  const distances = known.slice(1).map((second, index) => second - (known[index] ?? 0));
  const period = median(distances);
  const slack = Math.max(slackSeconds, period * slackShare);
  const isRegular = distances.every((distance) => Math.abs(distance - period) <= slack);
  if (!isRegular || period < leastPeriodSeconds) return null;
  return {
    periodSeconds: period,
    bursts: known.length,
    size: Math.max(...high.map(size)),
  };
}

import { median } from './growth.ts';
import type { RecentLook } from './look-ring.ts';

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
export function findRhythm(looks: readonly RecentLook[]): Rhythm | null {
  const usual = median(looks.map(({ used }) => used));
  const started = looks.map(({ newIn60s = 0 }) => newIn60s);
  const usualStarts = median(started);
  const above = (look: RecentLook): number => look.used - usual;
  const fresh = ({ newIn60s = 0 }: RecentLook): number => newIn60s - usualStarts;
  return (
    measure(looks, above, ({ usable }) => usable * 0.1) ??
    measure(looks, fresh, ({ used }) => Math.max(used * 0.3, usualStarts * 2))
  );
}

type Of = (look: RecentLook) => number;

function measure(looks: readonly RecentLook[], size: Of, least: Of): Rhythm | null {
  const isHigh = (look: RecentLook): boolean => size(look) >= Math.max(leastSize, least(look));
  const high = looks.filter(isHigh);
  const starts = high
    .map(({ at }) => Date.parse(at) / 1_000)
    .filter((second, index, all) => second - (all[index - 1] ?? -Infinity) > oneBurstSeconds);
  // What was on already when the memory begins has no beginning.
  const known = looks[0] !== undefined && isHigh(looks[0]) ? starts.slice(1) : starts;
  if (known.length < leastBursts || high.length > looks.length / 2) return null;
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

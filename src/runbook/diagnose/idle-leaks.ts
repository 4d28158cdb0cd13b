import type { Source } from './diagnosis.ts';
import type { RecentCheck } from './look-ring.ts';
import type { SourceReading } from '../snapshot/snapshot.ts';
import { holderKey } from './sources.ts';
import { sum } from '../snapshot/words.ts';

/** Connections of one holder that were opened one after another, used for a moment each, and never again. */
export interface IdleLeak {
  readonly service: string | null;
  readonly sessions: number;
  /** All connections of that holder. */
  readonly holds: number;
  /** How long ago they were opened, in seconds, the youngest first: all, or a hundred of them. */
  readonly ages: readonly number[];
}

/** Fewer are what any pool keeps. */
const leastSessions = 5;
/** One long list of ages is enough to see how they are spread. */
const mostAges = 100;

/**
 * Leaks outside of transactions, where no pool says what it has given out. A pool at work comes back to its
 * connections, whether it takes the longest idle one or the last; a pool that is idle by design opened them together. What is
 * lost was opened one after another, as long as the loss goes on. What was lost with its client, at an address that is
 * gone, no process holds any more. The largest first.
 */
export function findIdleLeaks(
  readings: readonly SourceReading[],
  sources: readonly Source[],
  gone: readonly Source[] = [],
): IdleLeak[] {
  const both = readings.flatMap((reading, index) => {
    const source = sources[index];
    return source?.kind === 'application' && !gone.includes(source) ? [{ reading, source }] : [];
  });
  return [...Map.groupBy(both, ({ source }) => holderKey(source)).values()]
    .flatMap((group) => {
      const sessions = sum(group.map(({ reading }) => reading.usedOnce));
      const ages = group
        .flatMap(({ reading }) => spreadAges(reading.usedOnce, reading.usedOnceAges))
        .toSorted((a, b) => a - b);
      if (sessions < leastSessions || !isSpread(ages)) return [];
      return [
        {
          service: group[0]?.source.service ?? null,
          sessions,
          holds: sum(group.map(({ reading }) => reading.total)),
          ages,
        },
      ];
    })
    .toSorted((a, b) => b.sessions - a.sessions);
}

/** As many ages as there are sessions, between the tenths that were read. */
export function spreadAges(sessions: number, tenths: readonly number[] | null = null): number[] {
  const many = Math.min(sessions, mostAges);
  return Array.from({ length: many }, (_, index) =>
    quantile(tenths ?? [], many === 1 ? 0 : index / (many - 1)),
  );
}

function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0];
  return low + (high - low) * (at - Math.floor(at));
}

/** Of ten steps between the youngest and the oldest so many go on, and the last ones are not long ago. */
const leastSteps = 6;
const leastStep = 0.02;
/** The youngest has at most this share of the oldest one's age; of what was opened together all have nearly the same. */
const latelyShare = 1 / 3;

/**
 * Whether they were opened one after another from then until lately: of a start, a few restarts or a peak that is over the ages lie
 * close together.
 */
export function isSpread(ages: readonly number[]): boolean {
  const tenths = Array.from({ length: 11 }, (_, index) => quantile(ages, index / 10));
  const oldest = tenths[10] ?? 0;
  const steps = tenths
    .slice(1)
    .filter((age, index) => age - (tenths[index] ?? 0) > oldest * leastStep);
  return steps.length >= leastSteps && (tenths[0] ?? 0) <= oldest * latelyShare;
}

/**
 * How many of the connections that were opened since the first of these looks are left over: a leak keeps them all, a
 * pool that replaces its connections none. Null where too few were opened to tell, or slots were freed meanwhile.
 */
export function leftOver(
  checks: readonly RecentCheck[],
  { ages, sessions }: IdleLeak,
): { readonly opened: number; readonly left: number } | null {
  const last = checks.at(-1);
  const freed = checks.findLastIndex(
    (check, index) => check.used < (checks[index - 1]?.used ?? 0) - leastSessions,
  );
  const first = checks[Math.max(0, freed)];
  if (last === undefined || first === undefined) return null;
  const span = (Date.parse(last.at) - Date.parse(first.at)) / 1_000;
  const young = ages.filter((age) => age <= span).length / Math.max(1, ages.length);
  const opened = Math.round(sessions * young);
  return opened < leastSessions ? null : { opened, left: last.used - first.used };
}

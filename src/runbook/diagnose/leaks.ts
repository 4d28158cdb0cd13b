import type { PoolReading } from '../snapshot/readings.ts';
import type {
  DatabaseReading,
  ServiceReading,
  SessionReading,
  SourceReading,
} from '../snapshot/snapshot.ts';
import { sum } from '../snapshot/words.ts';
import type { Budget, LeakSuspect, Source } from './diagnosis.ts';
import type { RecentCheck } from './recent-checks.ts';
import { commonName, holderKey, toApplication } from './sources.ts';

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
function spreadAges(sessions: number, tenths: readonly number[] | null = null): number[] {
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
function isSpread(ages: readonly number[]): boolean {
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

/** Sessions whose client is gone without closing them: PostgreSQL keeps them until it hears that, which may be never. */
export interface Abandoned {
  /** Null for an application that is no configured service. */
  readonly service: string | null;
  readonly sessions: number;
  /** All connections of that holder. */
  readonly holds: number;
  /** How long the first of them has been silent, in seconds. */
  readonly oldestSeconds: number;
  /** Of those sessions the ones at addresses that no running container has. */
  readonly gone: number;
  /** What its pools count, in use or not; null where they do not tell. */
  readonly counted: number | null;
  /** The sources at such addresses: theirs is no leak, though they may have been used only once. */
  readonly goneSources: readonly Source[];
}

/** Fewer are what any pool keeps. */
const leastAbandoned = 5;
/** What holds less of what is used is not what the trouble is about. */
const leastShare = 0.2;

interface AbandonedInput {
  readonly reading: DatabaseReading | undefined;
  readonly sources: readonly Source[];
  readonly budget: Budget;
  readonly poolReadings: readonly PoolReading[];
  /** Those that were read. */
  readonly services: readonly ServiceReading[];
}

interface Both {
  readonly reading: SourceReading;
  readonly source: Source;
}

/**
 * The holder with most abandoned sessions, where they are a fifth of what is used. Silent for over `terminateIdleMs`
 * they are all, and: at an address that no container of their service has any more; or more than its pools count; or,
 * where no pool tells, in the place of each another one was opened, one after another until lately, and there are more than its pools may open. A pool
 * opens none while it has an idle one, so it does not know of those.
 */
export function findAbandoned(input: AbandonedInput): Abandoned | null {
  const { reading } = input;
  if (reading === undefined) return null;
  const both = reading.sources.flatMap((one, index) => {
    const source = input.sources[index];
    return source?.kind === 'application' ? [{ reading: one, source }] : [];
  });
  const [most] = [...Map.groupBy(both, ({ source }) => holderKey(source)).values()]
    .map((group) => ofHolder(group, input))
    .toSorted((a, b) => b.sessions - a.sessions);
  if (most === undefined || most.sessions < leastAbandoned) return null;
  const used = reading.counts.clients - reading.counts.own;
  return most.sessions >= used * leastShare ? most : null;
}

function ofHolder(group: readonly Both[], input: AbandonedInput): Abandoned {
  const service = group[0]?.source.service ?? null;
  const gone = group.filter((one) => isGone(one, group, input));
  const here = group.filter((one) => !gone.includes(one));
  const counted = countOf(service, input);
  const holds = sum(here.map(({ reading }) => reading.total));
  const beyond =
    here.length === 0 ? 0 : beyondPools(here, { holds, counted }, mayOpen(service, input));
  const goneSessions = sum(gone.map(({ reading }) => reading.total));
  return {
    service,
    sessions: goneSessions + beyond,
    holds: holds + goneSessions,
    oldestSeconds: Math.max(0, ...group.map(({ reading }) => reading.oldestIdleSeconds ?? 0)),
    gone: goneSessions,
    counted,
    goneSources: gone.map(({ source }) => source),
  };
}

/**
 * Every session of it silent for long, at an address that no container has, while others of the same service are at
 * their container's: without those, addresses may be a gateway's.
 */
function isGone(
  { reading, source }: Both,
  group: readonly Both[],
  { services }: AbandonedInput,
): boolean {
  const { service, client } = source;
  if (service === null || client === null || reading.idleOverTerminate < reading.total)
    return false;
  const own = services.find(({ name }) => name === service)?.replicas ?? [];
  const addresses = new Set(own.flatMap((replica) => replica.addresses));
  const others = services.flatMap(({ replicas }) => replicas.flatMap((one) => one.addresses));
  return !others.includes(client) && group.some((one) => addresses.has(one.source.client ?? ''));
}

/** What the pools of all its processes count; null where one is not asked, or does not tell what it keeps. */
function countOf(service: string | null, { budget, poolReadings }: AbandonedInput): number | null {
  const line = budget.lines.find((one) => one.service === service);
  const pools = poolReadings.filter((pool) => pool.service === service);
  if (line === undefined || pools.length === 0) return null;
  if (pools.length < line.replicas * line.workers) return null;
  const kept = pools.map(({ checkedIn }) => checkedIn).filter((one) => one !== null);
  if (kept.length < pools.length) return null;
  return sum(pools.map(({ checkedOut }) => checkedOut)) + sum(kept);
}

function mayOpen(service: string | null, { budget }: AbandonedInput): number {
  const limit = budget.lines.find((one) => one.service === service)?.mayOpen;
  return typeof limit === 'number' ? limit : 0;
}

/** The silent ones that its pools do not know of. */
function beyondPools(
  here: readonly Both[],
  { holds, counted }: { readonly holds: number; readonly counted: number | null },
  limit: number,
): number {
  const silent = sum(here.map(({ reading }) => reading.silent));
  if (counted !== null) return Math.max(0, Math.min(silent, holds - counted));
  if (holds <= limit) return 0;
  const replaced = here.filter(({ reading }) => isReplaced(reading));
  const ages = replaced.flatMap(({ reading }) => spreadAges(reading.silent, reading.silentAges));
  if (!isSpread(ages.toSorted((a, b) => a - b))) return 0;
  return sum(replaced.map(({ reading }) => reading.silent));
}

/** Of those that fell silent since half of them were, at least half have another one that was opened since. */
function isReplaced({ silent, silentAges, openedAges, total }: SourceReading): boolean {
  const middle = silentAges?.[5] ?? 0;
  const opened = spreadAges(total, openedAges);
  const since = opened.filter((age) => age < middle).length / Math.max(1, opened.length);
  return silent > 0 && since * total >= silent / 4;
}

/** More kinds of statements than these are no single place in the code. */
const mostSuspects = 20;

/**
 * Sessions that have lingered idle in transaction, grouped by application and last statement: many with the
 * same one point to the line of code that does not give its connection back. The largest group first.
 * @param lingeringMs how long one must have been silent; between two statements of a transaction at work
 * lie milliseconds, and a busy server always has a few such sessions
 */
export function findLeakSuspects(
  sessions: readonly SessionReading[],
  lingeringMs: number,
): LeakSuspect[] {
  const groups = new Map<string, SessionReading[]>();
  for (const session of sessions.filter((one) => isLingering(one, lingeringMs))) {
    const key = JSON.stringify([
      toApplication(session.application),
      session.fingerprint ?? session.query,
    ]);
    groups.set(key, [...(groups.get(key) ?? []), session]);
  }
  return [...groups.values()]
    .map(toSuspect)
    .toSorted((a, b) => b.sessions - a.sessions || b.oldestSeconds - a.oldestSeconds)
    .slice(0, mostSuspects);
}

/** Idle in transaction, aborted or not, for at least so long. */
export function isLingering(session: SessionReading, lingeringMs: number): boolean {
  const { own, state, stateAgeSeconds } = session;
  if (own || (stateAgeSeconds ?? 0) * 1_000 < lingeringMs) return false;
  return state === 'idle in transaction' || state === 'idle in transaction (aborted)';
}

function toSuspect(group: readonly SessionReading[]): LeakSuspect {
  const [first] = group;
  return {
    application: commonName(group.map(({ application }) => application)),
    fingerprint: first?.fingerprint ?? null,
    query: first?.query ?? null,
    sessions: group.length,
    oldestSeconds: Math.max(...group.map(({ stateAgeSeconds }) => stateAgeSeconds ?? 0)),
    hasWritten: group.filter(({ hasWritten }) => hasWritten).length,
  };
}

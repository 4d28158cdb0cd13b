import type { Budget, Source } from './diagnosis.ts';
import { isSpread, spreadAges } from './idle-leaks.ts';
import type {
  DatabaseReading,
  PoolReading,
  ServiceReading,
  SourceReading,
} from '../snapshot/snapshot.ts';
import { holderKey } from './sources.ts';
import { sum } from '../snapshot/words.ts';

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

import type { BudgetLine, LeakSuspect } from '../diagnosis.ts';
import type { z } from 'zod';
import type { Evidence } from '../evidence.ts';
import { lastingWaits } from '../lasting-waits.ts';
import { isLingering } from '../leaks.ts';
import { countLines } from '../logs.ts';
import { pressureOf } from '../pressure.ts';
import type { Pressure } from '../pressure.ts';
import type { PoolReading, SessionReading } from '../snapshot.ts';
import { sum } from '../words.ts';

/** The figures the six causes are judged by. Shares are of `used` unless said otherwise. */
export interface Picture {
  readonly evidence: Evidence;
  /** Sessions as the server lists them, its process titles only, or neither. */
  readonly sight: 'sessions' | 'titles' | 'none';
  readonly pressure: Pressure;
  /** A client was refused for want of a slot: now, or in the recent logs. */
  readonly refused: boolean;
  readonly used: number;
  readonly usable: number | null;
  /** Active and not waiting for a lock. */
  readonly working: number;
  readonly idle: number;
  /** Idle longer than a pool at work leaves a connection; a few fresh ones make a server busy, not idle. */
  readonly unused: number;
  /** Idle in transaction, aborted or not. */
  readonly inTransaction: number;
  /** Of those the silent ones: an application at work goes on within milliseconds. */
  readonly lingering: number;
  readonly lingeringSessions: readonly SessionReading[];
  readonly slow: number;
  readonly waiting: number;
  /** Waiting longer than the limit for contention. */
  readonly waitingLong: number;
  readonly holders: readonly Holder[];
  readonly atLimit: readonly PoolReading[];
  readonly poolTimeouts: number;
}

/** Who holds connections: a configured service, or an application that belongs to none. */
export interface Holder {
  /** A configured name, or null: an application's own name is not ours to print. */
  readonly service: string | null;
  /** Processes with a pool each. */
  readonly processes: number;
  readonly holds: number;
  readonly idle: number;
  readonly active: number;
  /** In a query or a transaction. */
  readonly busy: number;
  /** What one process may open. */
  readonly perProcess: number | 'unlimited' | null;
  readonly mayOpen: number | 'unlimited' | null;
  /** What its pools say; null without metrics. */
  readonly checkedOut: number | null;
  readonly checkedIn: number | null;
}

export function toPicture(evidence: Evidence): Picture {
  const { reading: seen, capacity, target, blocking, logs, poolReadings } = evidence;
  const titles = evidence.snapshot.services.ok
    ? evidence.snapshot.services.value.postgresProcesses
    : undefined;
  const error = evidence.snapshot.database.reach.error;
  const refused =
    (error?.kind === 'full' && (error.scope ?? 'server') === 'server') ||
    countLines(logs, ['slots-full', 'slots-reserved']) > 0;
  const counts = seen?.counts ?? titles;
  const sampled = (seen?.sessions ?? []).filter(({ own }) => !own);
  const lingeringSessions = sampled.filter((one) => isLingering(one, evidence.lingeringMs));
  const inTransaction =
    (counts?.idleInTransaction ?? 0) + (seen?.counts.idleInTransactionAborted ?? 0);
  return {
    evidence,
    sight: seen === undefined ? (titles === undefined ? 'none' : 'titles') : 'sessions',
    pressure: refused && error !== undefined ? 'critical' : pressureOf(capacity, target.limits),
    refused,
    used: counts?.clients ?? 0,
    usable: evidence.budget.usable,
    working: Math.max(0, (counts?.active ?? 0) - blocking.waitersTotal),
    idle: counts?.idle ?? 0,
    unused: seen === undefined ? 0 : countUnused(sampled, seen.counts.idle, evidence.lingeringMs),
    inTransaction,
    lingering: extrapolate(sampled, lingeringSessions.length, inTransaction),
    lingeringSessions,
    slow: seen?.counts.slowQueries ?? 0,
    waiting: blocking.waitersTotal,
    // A check for deadlocks comes after a second of waiting, and with so many waiters it is no brush in passing.
    waitingLong:
      seen?.lockManagerBusy === undefined ? lastingWaits(evidence).count : blocking.waitersTotal,
    holders: toHolders(evidence),
    atLimit: poolReadings.filter(
      ({ utilisation }) => (utilisation ?? 0) >= target.limits.poolUtilisation,
    ),
    poolTimeouts: countLines(logs, ['pool-timeout']),
  };
}

/** The list holds the longest idle ones: when they are all unused and there are more, so are the others. */
function countUnused(sampled: readonly SessionReading[], idle: number, longMs: number): number {
  const ages = sampled
    .filter(({ state }) => state === 'idle')
    .map(({ stateAgeSeconds }) => (stateAgeSeconds ?? 0) * 1_000);
  const unused = ages.filter((age) => age >= longMs).length;
  const listed = Math.min(ages.length, mostListedIdle);
  return unused >= listed && idle > unused && listed === mostListedIdle ? idle : unused;
}

/** So many of the longest idle sessions every look lists. */
const mostListedIdle = 20;

function extrapolate(
  sampled: readonly SessionReading[],
  lingering: number,
  inTransaction: number,
): number {
  const listed = sampled.filter(({ state }) => state.startsWith('idle in transaction')).length;
  return listed === 0 ? 0 : Math.round((lingering / listed) * Math.max(listed, inTransaction));
}

function toHolders(evidence: Evidence): Holder[] {
  const { budget, sources } = evidence;
  const services = budget.lines.map((line) => toHolder(line, evidence));
  const strangers = Map.groupBy(
    sources.filter(({ service }) => service === null),
    ({ application, user }) => JSON.stringify([application, user]),
  );
  const others = [...strangers.values()].map((group): Holder => ({
    service: null,
    processes: new Set(group.map(({ client }) => client)).size,
    ...addUp(group),
    perProcess: null,
    mayOpen: null,
    checkedOut: null,
    checkedIn: null,
  }));
  return [...services, ...others].toSorted((a, b) => b.holds - a.holds);
}

function toHolder(line: z.infer<typeof BudgetLine>, evidence: Evidence): Holder {
  const processes = line.replicas * line.workers;
  const pools = evidence.poolReadings.filter(({ service }) => service === line.service);
  const { mayOpen } = line;
  return {
    service: line.service,
    processes,
    ...addUp(evidence.sources.filter(({ service }) => service === line.service)),
    perProcess: typeof mayOpen === 'number' ? mayOpen / Math.max(1, processes) : mayOpen,
    mayOpen,
    checkedOut: pools.length === 0 ? null : sum(pools.map(({ checkedOut }) => checkedOut)),
    checkedIn: pools.some(({ checkedIn }) => checkedIn !== null)
      ? sum(pools.map(({ checkedIn }) => checkedIn ?? 0))
      : null,
  };
}

function addUp(sources: Evidence['sources']): Pick<Holder, 'holds' | 'idle' | 'active' | 'busy'> {
  const holds = sum(sources.map(({ total }) => total));
  const idle = sum(sources.map((source) => source.idle));
  const active = sum(sources.map((source) => source.active));
  const inTransaction = sources.map(
    ({ idleInTransaction, idleInTransactionAborted }) =>
      idleInTransaction + idleInTransactionAborted,
  );
  return { holds, idle, active, busy: active + sum(inTransaction) };
}

/** `backend`, or `one application` for what no configured service explains. */
export function nameOf({ service }: { readonly service: string | null }): string {
  return service ?? 'one application';
}

/** Checked out by the pool's account, doing nothing by the server's: given out and forgotten. */
export function outButIdle({ checkedOut, busy, idle }: Holder): number {
  return checkedOut === null ? 0 : Math.max(0, Math.min(checkedOut - busy, idle));
}

/** Sessions that hold a slot for a reason of their own; what is left over is load, or pools. */
export function suspicious(picture: Picture): number {
  const { lingering, slow, waitingLong, unused, holders } = picture;
  const forgotten = Math.min(unused, sum(holders.map(outButIdle)));
  return lingering + slow + waitingLong + forgotten;
}

/** Fewer alike are chance. */
export const leastAlike = 3;

/** The statement that most of the lingering sessions ran last. */
export function samePath({ evidence, lingeringSessions }: Picture): LeakSuspect | undefined {
  const [largest] = evidence.leakSuspects;
  if (largest === undefined || largest.sessions < leastAlike) return undefined;
  const known = largest.fingerprint !== null || largest.query !== null;
  return known && largest.sessions >= lingeringSessions.length * 0.6 ? largest : undefined;
}

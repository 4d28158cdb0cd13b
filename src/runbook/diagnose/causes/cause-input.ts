import type { z } from 'zod';
import type { PoolReading } from '../../snapshot/readings.ts';
import type { SessionReading } from '../../snapshot/snapshot.ts';
import { sum } from '../../snapshot/words.ts';
import type { BudgetLine, Cause, CauseName, LeakSuspect } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { isLingering } from '../leaks.ts';
import type { IdleLeak } from '../leaks.ts';
import { largestProcess } from '../pool-sizes.ts';
import { servicesInQueue } from '../poolers.ts';
import type { Dragging } from '../recent-checks.ts';
import { holderKey } from '../sources.ts';
import { countLines, pressureOf } from '../summarise.ts';
import type { Pressure } from '../summarise.ts';
import { lastingWaits } from '../waits.ts';

/** The figures the six causes are judged by, dbconn's own sessions left out. Shares are of `used` unless said otherwise. */
export interface CauseInput {
  readonly evidence: Evidence;
  /** Sessions as the server lists them, its process titles only, or neither. */
  readonly detail: 'sessions' | 'titles' | 'none';
  readonly pressure: Pressure;
  /** A client was refused for want of a slot: now, or in the recent logs. */
  readonly refused: boolean;
  readonly used: number;
  /** Sessions that this role cannot see; they are in nobody's share. */
  readonly hidden: number;
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
  /** Idle outside of a transaction, and of no pool that could be asked. */
  readonly idleLeak: IdleLeak | undefined;
  readonly slow: number;
  /** Only where slots or a pool are short: a nightly batch is slow, too. */
  readonly dragging: Dragging | undefined;
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
  /** Idle in a transaction for longer than an application at work leaves it. */
  readonly stuck: number;
}

export function toCauseInput(evidence: Evidence): CauseInput {
  const { reading: current, capacity, target, blocking, logs, poolReadings } = evidence;
  const titles = evidence.snapshot.services.ok
    ? evidence.snapshot.services.value.postgresProcesses
    : undefined;
  const error = evidence.snapshot.database.reach.error;
  const refused =
    (error?.kind === 'full' && (error.scope ?? 'server') === 'server') ||
    countLines(logs, ['slots-full', 'slots-reserved']) > 0;
  const counts = current?.counts ?? titles;
  const sampled = (current?.sessions ?? []).filter(({ own }) => !own);
  const own = evidence.sources.filter(({ kind }) => kind === 'own');
  const ownSessions = current?.counts.own ?? 0;
  const lingeringSessions = sampled.filter((one) => isLingering(one, evidence.lingeringMs));
  const inTransaction =
    (counts?.idleInTransaction ?? 0) + (current?.counts.idleInTransactionAborted ?? 0);
  // Their pools run dry because they wait in the pooler: they are not too small.
  const queued = servicesInQueue(evidence.poolers);
  const idle = Math.max(0, (counts?.idle ?? 0) - sum(own.map((source) => source.idle)));
  const holders = toHolders(evidence);
  const atLimit = poolReadings.filter(
    ({ utilisation, service }) =>
      (utilisation ?? 0) >= target.limits.poolUtilisation && !queued.has(service),
  );
  const pressure =
    refused && error !== undefined ? 'critical' : pressureOf(capacity, target.limits);
  return {
    evidence,
    detail: current === undefined ? (titles === undefined ? 'none' : 'titles') : 'sessions',
    pressure,
    refused,
    used: Math.max(0, (counts?.clients ?? 0) - ownSessions),
    hidden: current?.counts.hidden ?? 0,
    usable: evidence.budget.usable,
    working: Math.max(
      0,
      (counts?.active ?? 0) - sum(own.map(({ active }) => active)) - blocking.waitersTotal,
    ),
    idle,
    unused: current === undefined ? 0 : countUnused(sampled, idle, evidence.lingeringMs),
    inTransaction,
    lingering: extrapolate(sampled, lingeringSessions.length, inTransaction),
    lingeringSessions,
    idleLeak: evidence.idleLeaks.find((leak) => !hasPoolReading(leak, holders)),
    slow: current?.counts.slowQueries ?? 0,
    dragging: pressure === 'none' && atLimit.length === 0 ? undefined : shortOnes(evidence),
    waiting: blocking.waitersTotal,
    // A check for deadlocks comes after a second of waiting, and with so many waiters it is no brush in passing.
    waitingLong:
      current?.lockManagerBusy === undefined ? lastingWaits(evidence).count : blocking.waitersTotal,
    holders,
    atLimit,
    poolTimeouts: countLines(
      logs.filter(({ service }) => !queued.has(service)),
      ['pool-timeout'],
    ),
  };
}

/** Those that are slow by themselves are counted as slow. */
function shortOnes({ dragging, target }: Evidence): Dragging | undefined {
  const isSlow = dragging !== undefined && dragging.seconds * 1_000 >= target.limits.slowQueryMs;
  return isSlow ? undefined : dragging;
}

/** Whether a pool tells itself which of these connections it has given out. */
function hasPoolReading({ service }: IdleLeak, holders: readonly Holder[]): boolean {
  return (
    service !== null &&
    holders.some((holder) => holder.service === service && holder.checkedOut !== null)
  );
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
    sources.filter(({ service, kind }) => service === null && kind === 'application'),
    holderKey,
  );
  const others = [...strangers.values()].map((group): Holder => ({
    service: null,
    processes: new Set(group.map(({ client }) => client)).size,
    ...addUp(group),
    perProcess: null,
    mayOpen: null,
    checkedOut: null,
    checkedIn: null,
    stuck: 0,
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
    perProcess: largestProcess(line),
    mayOpen,
    checkedOut: pools.length === 0 ? null : sum(pools.map(({ checkedOut }) => checkedOut)),
    checkedIn: pools.some(({ checkedIn }) => checkedIn !== null)
      ? sum(pools.map(({ checkedIn }) => checkedIn ?? 0))
      : null,
    stuck: countStuck(line.service, evidence),
  };
}

/** Between two statements of a transaction at work lie milliseconds. */
const stuckMs = 1_000;

function countStuck(service: string, { reading, findService }: Evidence): number {
  return (reading?.sessions ?? []).filter(
    (session) =>
      isLingering(session, stuckMs) && findService(session.client, session.application) === service,
  ).length;
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

/** What holds less than this is not what the trouble is about. */
export const leastShare = 0.2;

/**
 * How much of what is used so many sessions hold; or of the pools that are used up, where that is more: of all, or of
 * the service's whose sessions they are.
 */
export function shareOf(
  sessions: number,
  { used, hidden, atLimit }: CauseInput,
  service?: string | null,
): number {
  const pools = atLimit.filter((pool) => service === undefined || pool.service === service);
  const dry = sum(pools.map(({ checkedOut }) => checkedOut));
  const all = used + hidden;
  return sessions / Math.max(1, dry === 0 ? all : Math.min(all, dry));
}

/** Fewer alike are chance. */
export const leastAlike = 3;

/** `backend`, or `one application` for what no configured service explains. */
export function nameOf({ service }: { readonly service: string | null }): string {
  return service ?? 'one application';
}

/** Checked out by the pool's account, doing nothing by the server's: given out and forgotten. */
export function outButIdle({ checkedOut, busy, idle }: Holder): number {
  return checkedOut === null ? 0 : Math.max(0, Math.min(checkedOut - busy, idle));
}

/**
 * Checked out by the pool's account, and not there by the server's: ended under the application, by option A, a restart
 * or a fail-over, or never given back by code that still waits for them. Sessions that no service explains may be its own.
 */
function outButGone({ checkedOut, holds }: Holder, { holders, detail }: CauseInput): number {
  if (checkedOut === null || detail !== 'sessions') return 0;
  const unexplained = sum(holders.filter((one) => one.service === null).map((one) => one.holds));
  return Math.max(0, checkedOut - holds - unexplained);
}

/** Whether most of what a pool has given out is gone from the server. */
export function isDead(holder: Holder, input: CauseInput): boolean {
  const gone = outButGone(holder, input);
  return gone >= leastAlike && gone >= (holder.checkedOut ?? 0) / 2;
}

/**
 * Whether a pool waits for itself: used up, each connection idle in a transaction and no query running. A process that has one
 * waits for a second one, which nobody can give back; a larger pool is used up in the same way.
 */
export function waitsForItself(holder: Holder, { atLimit }: CauseInput): boolean {
  const { service, checkedOut, active, stuck } = holder;
  if (checkedOut === null || !atLimit.some((pool) => pool.service === service)) return false;
  return active === 0 && stuck >= leastAlike && stuck >= checkedOut * 0.8;
}

/** Sessions that hold a slot for a reason of their own; what is left over is load, or pools. */
export function suspicious(input: CauseInput): number {
  const { lingering, slow, waitingLong, unused, holders, idleLeak, dragging } = input;
  const forgotten = Math.min(unused, sum(holders.map(outButIdle)));
  const running = Math.max(slow, dragging?.sessions ?? 0);
  return lingering + running + waitingLong + Math.max(forgotten, idleLeak?.sessions ?? 0);
}

/** The statement that most of the lingering sessions ran last. */
export function samePath({ evidence, lingeringSessions }: CauseInput): LeakSuspect | undefined {
  const [largest] = evidence.leakSuspects;
  if (largest === undefined || largest.sessions < leastAlike) return undefined;
  const known = largest.fingerprint !== null || largest.query !== null;
  return known && largest.sessions >= lingeringSessions.length * 0.6 ? largest : undefined;
}

/** One sign of a cause. A negative weight speaks against it, and so does a weight of 0: what is not known. */
export interface Indicator {
  readonly weight: number;
  readonly sentence: string;
}

/** Below this a suspicion would send people the wrong way. */
const leastConfidence = 0.3;
/** Nothing seen from outside is certain. */
const mostConfidence = 0.95;

/** A sign when the condition holds. */
export function indicator(holds: boolean, weight: number, sentence: string): Indicator[] {
  return holds ? [{ weight, sentence }] : [];
}

/** Adds the signs up; none when they do not suffice. */
export function scoreCause(
  cause: CauseName,
  summary: string,
  indicators: readonly Indicator[],
): Cause[] {
  const total = indicators.reduce((weights, { weight }) => weights + weight, 0);
  if (total < leastConfidence - 1e-9) return [];
  return [
    {
      cause,
      confidence: Math.round(Math.min(total, mostConfidence) * 100) / 100,
      summary,
      because: indicators.filter(({ weight }) => weight > 0).map(({ sentence }) => sentence),
      against: indicators.filter(({ weight }) => weight <= 0).map(({ sentence }) => sentence),
    },
  ];
}

import type { PoolerPool } from '../../snapshot/readings.ts';
import { cleanUntrusted } from '../../snapshot/redaction/redact-text.ts';
import type { PoolerSnapshot } from '../../snapshot/snapshot.ts';
import { count, durationOfSeconds, list, sum } from '../../snapshot/words.ts';
import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { queuedPools } from '../poolers.ts';
import type { KnownPooler } from '../poolers.ts';
import { pressureOf } from '../summarise.ts';
import { lastingWaits } from '../waits.ts';
import { unread } from './services.ts';

interface Explanation {
  /** Whole sentences. */
  readonly because: string;
  readonly fix: string;
}

/** Ending sessions frees slots of PostgreSQL, and those are not what is short. */
const inVain = 'Ending sessions or resizing the pools of a service does not help.';

/**
 * Why the clients of a pool wait: what its limit is, and what its connections are used for by PostgreSQL's account.
 * A larger pool helps only where they do work.
 */
function whatHolds(pool: PoolerPool, pooler: KnownPooler, evidence: Evidence): Explanation {
  const { capacity, target } = evidence;
  const { name } = pooler;
  const all = count(pool.servers, 'server connection');
  if (pool.fullBy === 'paused') {
    return {
      because: 'The database is paused there.',
      fix: `Ask why it was paused, then run RESUME on its console. ${inVain}`,
    };
  }
  if (pool.fullBy === null) {
    return {
      because: `It has ${all} and opens no more, although no limit is reached.`,
      fix: `Check the log of ${name}: it cannot log in to PostgreSQL, or it is paused. ${inVain}`,
    };
  }
  const held = heldBy(pool, pooler, evidence);
  if (held !== null) return held;
  const inUse = `${count(pool.servers, 'server connection is', 'server connections are')} in use (${pool.fullBy}).`;
  const isSession = pool.mode === 'session';
  const holding = isSession
    ? `${inUse} In session mode each client keeps its connection until it disconnects.`
    : inUse;
  const instead = isSession
    ? 'use transaction mode where clients keep no session state, and let idle clients disconnect'
    : '';
  if (capacity === null || pressureOf(capacity, target.limits) !== 'none') {
    return {
      because: holding,
      fix: isSession
        ? `In PgBouncer, ${instead}. PostgreSQL has no room for a larger pool. ${inVain}`
        : 'Free slots in PostgreSQL first: a larger pool would only move the queue there.',
    };
  }
  const room = `PostgreSQL has ${capacity.free} of ${capacity.usable} slots free`;
  const raise = `raise ${pool.fullBy}${pool.fullBy === 'pool_size' ? ' (or default_pool_size)' : ''} of ${name}`;
  return {
    because: `${holding} ${room}.`,
    fix: `In PgBouncer, ${raise}${isSession ? `. Or ${instead}` : ''}. ${inVain}`,
  };
}

/** From this share of a pool's connections on, what they do is why it is used up. */
const mostly = 0.5;

function heldBy(
  pool: PoolerPool,
  { name, reading }: KnownPooler,
  evidence: Evidence,
): Explanation | null {
  const { sources, blocking, target } = evidence;
  const own = sources.filter((source) => source.pooler === name && source.user === pool.user);
  const keys = new Set(
    reading.serverSources
      .filter(({ user }) => user === pool.user)
      .map(({ client, user, database }) => JSON.stringify([client, user, database])),
  );
  const sessions = (evidence.reading?.sessions ?? []).filter(({ client, user, database }) =>
    keys.has(JSON.stringify([client, user, database])),
  );
  const waiters = new Set(blocking.waiters.map(({ pid }) => pid));
  const open = sum(own.map((one) => one.idleInTransaction + one.idleInTransactionAborted));
  const blocked =
    lastingWaits(evidence).count > 0 ? sessions.filter(({ pid }) => waiters.has(pid)) : [];
  const slow = sessions.filter(
    ({ state, queryAgeSeconds, pid }) =>
      state === 'active' &&
      !waiters.has(pid) &&
      (queryAgeSeconds ?? 0) * 1_000 >= target.limits.slowQueryMs,
  );
  const isMost = (many: number): boolean => many > 0 && many >= pool.servers * mostly;
  const of = `of its ${count(pool.servers, 'server connection')}`;
  if (isMost(blocked.length)) {
    return {
      because: `${blocked.length} ${of} wait for locks in PostgreSQL.`,
      fix: 'Run /dbconn blocking to find the blocker. A larger pool only lets more sessions wait.',
    };
  }
  if (isMost(open)) {
    return {
      because: `${open} ${of} are idle in transaction.`,
      fix: 'Run /dbconn idle to find the code that leaves them open. A larger pool would fill up too.',
    };
  }
  if (isMost(slow.length)) {
    return {
      because: `${slow.length} ${of} run slow statements.`,
      fix: 'Run /dbconn sessions to find the statements. A larger pool only runs more of them at once.',
    };
  }
  return null;
}

/** The poolers in front of PostgreSQL: whether they can be seen, keep up, and fit. */
export function findInPoolers(evidence: Evidence): Finding[] {
  const { poolers: part } = evidence.snapshot;
  if (part === undefined) return [];
  if (!part.ok) return unread(aboutConsole('the poolers'), part.problem);
  return [
    ...part.value.flatMap(({ name, problem }: PoolerSnapshot) =>
      problem === undefined ? [] : unread(aboutConsole(name), problem),
    ),
    ...evidence.poolers.flatMap((pooler) => [
      ...queue(pooler, evidence),
      ...nearLimit(pooler, evidence),
    ]),
    ...tooMany(evidence),
  ];
}

/** From here on PgBouncer itself tells its clients that they wait (query_wait_notify), and opens its reserve. */
const longSeconds = 5;

/** Clients that wait for a server connection are an outage of the application, however calm PostgreSQL is. */
function queue(pooler: KnownPooler, evidence: Evidence): Finding[] {
  const { name, reading } = pooler;
  const queued = queuedPools(reading);
  const [longestQueue] = queued;
  if (longestQueue === undefined) return [];
  const waiting = sum(queued.map(({ clientsWaiting }) => clientsWaiting));
  const { because, fix } = whatHolds(longestQueue, pooler, evidence);
  const isCritical = queued.some(
    (pool) =>
      pool.longestWaitSeconds >= longSeconds ||
      // There the queue moves only when a client disconnects.
      pool.mode === 'session' ||
      pool.clientsWaiting >= pool.servers / 2,
  );
  return [
    {
      id: 'pooler-queue',
      severity: isCritical ? 'critical' : 'warning',
      summary: `${count(waiting, 'client waits', 'clients wait')} in ${name} for up to ${durationOfSeconds(longestQueue.longestWaitSeconds)}. ${because}`,
      figure: { value: waiting, unit: 'clients waiting' },
      evidence: [...queued.slice(0, 5).map(describePool), ...whoWaits(pooler, evidence)],
      fix,
    },
  ];
}

function describePool(pool: PoolerPool): string {
  const { database, user, mode, clientsWaiting, servers, size, reserve, fullBy } = pool;
  const most = size === null ? 'no pool_size' : `pool_size ${size}, reserve ${reserve}`;
  const limit = fullBy === null ? 'no limit reached' : `limited by ${fullBy}`;
  return cleanUntrusted(
    `Pool ${database}/${user} (${mode}): ${clientsWaiting} wait, ${count(servers, 'server connection')}, ${most}, ${limit}.`,
    300,
  );
}

function whoWaits({ reading }: KnownPooler, { findService }: Evidence): string[] {
  const waiting = (reading.clientSources ?? []).filter((source) => source.waiting > 0);
  const names = Map.groupBy(
    waiting,
    ({ client, application }) => (findService(client, application) ?? application) || 'unnamed',
  );
  const sentences = [...names].map(
    ([name, sources]) => `${name} ${sum(sources.map((one) => one.waiting))}`,
  );
  return sentences.length === 0 ? [] : [cleanUntrusted(`Waiting: ${list(sentences)}.`, 300)];
}

/** New clients are refused at the limit; until then nobody notices. */
function nearLimit({ name, reading }: KnownPooler, { target }: Evidence): Finding[] {
  const { clients, maxClientConnections, clientLimits } = reading;
  const limits = [
    { kind: 'pooler' as const, name: '', limit: maxClientConnections, used: clients },
    ...clientLimits,
  ];
  return limits
    .filter(({ limit, used }) => limit > 0 && used / limit >= target.limits.warningUtilisation)
    .map(({ kind, name: whose, limit, used }) => ({
      id: 'pooler-clients-near-limit',
      severity: used >= limit ? 'critical' : 'warning',
      summary: `${name} has ${used} of ${count(limit, 'allowed client')}${kind === 'pooler' ? '' : ` for one ${kind}`}; it refuses more.`,
      figure: { value: used, unit: 'clients', limit },
      evidence: kind === 'pooler' ? [] : [cleanUntrusted(`The ${kind} is ${whose}.`, 200)],
      fix: `Check who opens so many connections to it, then raise ${settingOf[kind]}.`,
    }));
}

const settingOf = {
  pooler: 'max_client_conn',
  database: 'max_db_client_connections',
  user: 'max_user_client_connections',
};

/** Poolers are there to keep within the server; these hold most of it and may open more than all of it. */
function tooMany({ budget, capacity, target }: Evidence): Finding[] {
  const { poolers = [], usable } = budget;
  if (capacity === null || usable === null) return [];
  const mayOpen = sum(poolers.map((one) => (one.mayOpen === 'unlimited' ? Infinity : one.mayOpen)));
  const holds = sum(poolers.map((one) => one.holds));
  const isShort = pressureOf(capacity, target.limits) !== 'none';
  if (!isShort || mayOpen <= usable || holds < capacity.used / 2) return [];
  const all = Number.isFinite(mayOpen) ? count(mayOpen, 'connection') : 'any number';
  const many = sum(poolers.map(({ replicas }) => replicas));
  return [
    {
      id: 'pooler-budget',
      severity: 'warning',
      summary: `${count(many, 'PgBouncer')} may open ${all} and ${many === 1 ? 'holds' : 'hold'} ${holds}; ${usable} are usable.`,
      figure: { value: holds, unit: 'connections', limit: usable },
      evidence: poolers.map(
        (one) => `${one.name}: ${count(one.replicas, 'replica')}, together ${one.mayOpen}.`,
      ),
      fix: `Set max_db_connections of each PgBouncer so that their total stays below ${usable}. Restarting PostgreSQL or a service does not help.`,
    },
  ];
}

function aboutConsole(name: string): Pick<Finding, 'id' | 'severity' | 'summary'> {
  const summary = `The console of ${name} could not be read, so waiting clients are not visible.`;
  return { id: 'pooler-unread', severity: 'warning', summary };
}

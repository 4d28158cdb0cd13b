import type { Evidence } from '../evidence.ts';
import { lastingWaits } from '../lasting-waits.ts';
import type { PoolerPool } from '../pooler-reading.ts';
import type { KnownPooler } from '../poolers.ts';
import { pressureOf } from '../pressure.ts';
import { count, sum } from '../../snapshot/words.ts';

interface Explanation {
  /** The end of a sentence, with its full stop. */
  readonly because: string;
  readonly fix: string;
}

/** Ending sessions frees slots of PostgreSQL, and those are not what is short. */
const inVain = 'Ending sessions, or other pool numbers of a service, do not help.';

/**
 * Why the clients of a pool wait: what its limit is, and what its connections are used for by PostgreSQL's account.
 * A larger pool helps only where they do work.
 */
export function whatHolds(pool: PoolerPool, pooler: KnownPooler, evidence: Evidence): Explanation {
  const { capacity, target } = evidence;
  const { name } = pooler;
  const all = count(pool.servers, 'server connection');
  if (pool.fullBy === 'paused') {
    return {
      because: 'the database is paused there.',
      fix: `Ask why it was paused, then run RESUME on its console. ${inVain}`,
    };
  }
  if (pool.fullBy === null) {
    return {
      because: `it has ${all} and opens no more, though none of its limits is reached.`,
      fix: `Read the log of ${name}: it cannot log in to PostgreSQL, or it is paused. ${inVain}`,
    };
  }
  const held = heldBy(pool, pooler, evidence);
  if (held !== null) return held;
  const inUse = `its ${all} are in use (${pool.fullBy})`;
  const isSession = pool.mode === 'session';
  const holding = isSession
    ? `in session mode each client keeps its connection until it disconnects, and ${inUse}.`
    : `${inUse}.`;
  const instead = isSession
    ? 'use transaction mode where clients keep no session state, and let clients that are idle disconnect'
    : '';
  if (capacity === null || pressureOf(capacity, target.limits) !== 'none') {
    return {
      because: holding,
      fix: isSession
        ? `In PgBouncer, ${instead}. PostgreSQL has no room for a larger pool. ${inVain}`
        : 'Free slots of PostgreSQL first: a larger pool would only move the queue there.',
    };
  }
  const room = `PostgreSQL has ${capacity.free} of ${capacity.usable} slots free`;
  const raise = `raise ${pool.fullBy}${pool.fullBy === 'pool_size' ? ' (or default_pool_size)' : ''} of ${name}`;
  return {
    because: `${holding} ${room}.`,
    fix: `In PgBouncer, ${raise}${isSession ? `, or ${instead}` : ''}. ${inVain}`,
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
      fix: 'See /dbconn blocking for what holds them up. A larger pool only lets more wait.',
    };
  }
  if (isMost(open)) {
    return {
      because: `${open} ${of} are idle in transaction, and held until it ends.`,
      fix: 'See /dbconn idle for the code that leaves them open. A larger pool is used up in the same way.',
    };
  }
  if (isMost(slow.length)) {
    return {
      because: `${slow.length} ${of} run slow statements.`,
      fix: 'See /dbconn sessions for the statements. A larger pool only runs more of them at once.',
    };
  }
  return null;
}

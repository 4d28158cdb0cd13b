import { count } from '../snapshot/words.ts';
import type { Diagnosis, Finding, Session, Waiter } from './diagnosis.ts';

/** Sessions that wait for the same sessions on the same object. */
export interface WaitGroup {
  /** What they wait for directly, oldest first; 0 is a prepared transaction. */
  readonly behind: readonly number[];
  /** The table, or null where the lock is not on one. */
  readonly relation: string | null;
  /** Such as `tuple ExclusiveLock`: of the first of them. */
  readonly lock: string;
  /** Oldest wait first. */
  readonly pids: readonly number[];
  readonly longestSeconds: number | null;
}

/**
 * Waiters by what they wait for directly, largest group first. Who only queues ahead on the same object is no
 * reason to wait, and the first in the queue for a row counts with those behind it: all wait for its holder.
 */
export function groupWaiters(waiters: readonly Waiter[]): readonly WaitGroup[] {
  const byPid = new Map(waiters.map((waiter) => [waiter.pid, waiter]));
  const rows = new Map<number, string | null>();
  const holders = (waiter: Waiter): readonly number[] => {
    const isQueued = (pid: number): boolean => {
      const ahead = byPid.get(pid);
      return (
        ahead !== undefined && ahead.lock === waiter.lock && ahead.relation === waiter.relation
      );
    };
    const others = waiter.waitsFor.filter((pid) => !isQueued(pid));
    return others.length === 0 ? waiter.waitsFor : others;
  };
  const behind = waiters.map((waiter) => {
    const direct = holders(waiter);
    const heads = direct.map((pid) => byPid.get(pid));
    const isRow = waiter.lock.startsWith('tuple');
    if (!isRow || !heads.every((head) => head !== undefined && isTransaction(head.lock)))
      return direct;
    for (const pid of direct) rows.set(pid, waiter.relation);
    return [...new Set(heads.flatMap((head) => head?.waitsFor ?? []))];
  });
  const entries = waiters.map((waiter, index) => ({
    ...waiter,
    relation: waiter.relation ?? rows.get(waiter.pid) ?? null,
    behind: behind[index] ?? [],
  }));
  const kind = ({ lock, relation }: Waiter): string => relation ?? lock;
  const groups = Map.groupBy(entries, (entry) => JSON.stringify([entry.behind, kind(entry)]));
  return [...groups.values()]
    .map((group): WaitGroup => {
      const [first] = group;
      const waits = group.flatMap(({ waitSeconds }) => waitSeconds ?? []);
      return {
        behind: first?.behind ?? [],
        relation: first?.relation ?? null,
        lock: first?.lock ?? '',
        pids: group.map(({ pid }) => pid),
        longestSeconds: waits.length === 0 ? null : Math.max(...waits),
      };
    })
    .toSorted((a, b) => b.pids.length - a.pids.length);
}

/** Whether a session waits for another one's transaction to end, and for no table. */
export function isTransaction(lock: string): boolean {
  return lock.startsWith('transactionid');
}

/** Sessions of one application and user that are in the same state after the same statement. */
export interface SessionGroup {
  /** The one that is in this state for the longest; ages are its own. */
  readonly oldest: Session;
  readonly pids: readonly number[];
  readonly hasWritten: number;
}

/** Sessions by application, user, state and statement, largest group first. */
export function groupSessions(sessions: readonly Session[]): readonly SessionGroup[] {
  const age = ({ stateAgeSeconds }: Session): number => stateAgeSeconds ?? 0;
  const groups = Map.groupBy(sessions, ({ application, user, state, fingerprint, query }) =>
    JSON.stringify([application, user, state, fingerprint ?? query]),
  );
  return [...groups.values()]
    .flatMap((group) => {
      const sorted = group.toSorted((a, b) => age(b) - age(a));
      const [oldest] = sorted;
      if (oldest === undefined) return [];
      const hasWritten = group.filter((one) => one.hasWritten).length;
      return [{ oldest, pids: sorted.map(({ pid }) => pid), hasWritten }];
    })
    .toSorted((a, b) => b.pids.length - a.pids.length || age(b.oldest) - age(a.oldest));
}

/** `25 wait behind 5098`: the first few pids, and how many more. */
export function namePids(pids: readonly number[], atMost: number): string {
  const named = pids
    .slice(0, atMost)
    .map((pid) => (pid === 0 ? 'a prepared transaction' : String(pid)));
  const more = pids.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}

/** That the role may not see other roles' sessions, and what lets it. */
export function findHidden({ findings }: Pick<Diagnosis, 'findings'>): Finding | undefined {
  return findings.find(({ id }) => id === 'no-pg-monitor');
}

const amongVisible = 'among those that dbconn’s role may see.';

/** Who waits for a lock in a sentence; where nobody does, what was checked and what to try. No database text. */
export function summariseBlocking(diagnosis: Diagnosis): string {
  const { blocking, capacity } = diagnosis;
  const { waitersTotal, roots, cycles } = blocking;
  if (capacity === null) return 'The sessions could not be read.';
  if (waitersTotal === 0) {
    if (findHidden(diagnosis) !== undefined) return `No session waits for a lock ${amongVisible}`;
    return `No session waits for a lock. dbconn checked ${count(capacity.used, 'session')}; try /dbconn sessions for slow queries.`;
  }
  if (roots.length + cycles.length === 0) {
    return `${count(waitersTotal, 'session waits', 'sessions wait')} for locks; the blockers cannot be read yet.`;
  }
  const rings =
    cycles.length === 0
      ? ''
      : ` ${count(cycles.length, 'deadlock is', 'deadlocks are')} in progress.`;
  return `${count(waitersTotal, 'session waits', 'sessions wait')} behind ${count(roots.length, 'root blocker')}.${rings}`;
}

/** How many sessions are idle in transaction, or what was checked and what to try. No database text. */
export function summariseIdle(diagnosis: Diagnosis): string {
  const { capacity } = diagnosis;
  if (capacity === null) return 'The sessions could not be read.';
  const { used, byState } = capacity;
  const { idleInTransaction, idleInTransactionAborted } = byState;
  if (idleInTransaction + idleInTransactionAborted === 0) {
    if (findHidden(diagnosis) !== undefined) {
      return `No session is idle in transaction ${amongVisible}`;
    }
    return `No session is idle in transaction. dbconn checked ${count(used, 'session')}; try /dbconn sessions or /dbconn blocking.`;
  }
  const aborted =
    idleInTransactionAborted === 0 ? '' : `, ${idleInTransactionAborted} more in an aborted one`;
  return `${count(idleInTransaction, 'session is', 'sessions are')} idle in transaction${aborted}.`;
}

/** Which sessions are listed, or what was checked and what to try. No database text. */
export function summariseSessions(diagnosis: Diagnosis): string {
  const { capacity, sessions } = diagnosis;
  if (capacity === null) return 'The sessions could not be read.';
  if (sessions.length === 0 && findHidden(diagnosis) !== undefined) {
    return `No session found ${amongVisible}`;
  }
  const searched = 'blockers and the oldest transactions, queries and connections';
  return sessions.length === 0
    ? `No session found. dbconn checked for ${searched}; try /dbconn sources.`
    : `${count(sessions.length, 'session')} in ${count(groupSessions(sessions).length, 'group')}. dbconn lists ${searched}.`;
}

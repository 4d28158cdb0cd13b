import type { DatabaseReading, SessionReading } from '../runbook/diagnose/snapshot.ts';
import { readLocks } from './fill-queue.ts';
import { readStatement } from './fingerprint.ts';
import type { LookRow, SessionRow } from './look-row.ts';

/** What the statement read, as the evidence it is. From here on nothing holds a literal of anybody's SQL. */
export function toReading(row: LookRow): DatabaseReading {
  const { waiters: _waiters, targets: _targets, safeSnapshots: _safe, ...rest } = row;
  const { roles: _roles, databases: _databases, ...unnamed } = rest;
  const { waitersTotal: _total, preparedHolds: _holds, sessions, ...reading } = unnamed;
  const shown = sessions.filter(({ startedAt }) => startedAt !== null).map(toSession);
  return {
    ...reading,
    sessions: shown,
    sessionsTruncated: row.counts.clients > shown.length,
    locks: readLocks(row),
  };
}

function toSession({
  query,
  queryBytes,
  queryId,
  startedAt,
  ...session
}: SessionRow): SessionReading {
  const isWhole = query !== null && Buffer.byteLength(query) === queryBytes;
  const statement = query === null || query === '' ? undefined : readStatement(query, isWhole);
  return {
    ...session,
    startedAt: startedAt ?? '',
    query: statement?.query ?? null,
    fingerprint: queryId ?? statement?.fingerprint ?? null,
  };
}

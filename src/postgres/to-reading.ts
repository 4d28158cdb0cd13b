import type { DatabaseReading, SessionReading } from '../runbook/diagnose/snapshot.ts';
import { readLocks } from './fill-queue.ts';
import { readStatement } from './fingerprint.ts';
import { LookRow } from './look-row.ts';
import type { SessionRow } from './look-row.ts';

/** The statement's JSON as the evidence it is. From here on nothing holds a literal of anybody's SQL. */
export function toReading(json: string): DatabaseReading {
  const row = LookRow.parse(JSON.parse(json));
  const { waiters: _waiters, targets: _targets, safeSnapshots: _safe, ...rest } = row;
  const { waitersTotal: _total, preparedHolds: _holds, sessions, ...reading } = rest;
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

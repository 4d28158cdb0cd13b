import type { DatabaseReading, SessionReading } from '../runbook/snapshot/snapshot.ts';
import { readLocks } from './fill-queue.ts';
import { readStatement } from './snapshot/statement-text.ts';
import type { SnapshotRow, SessionRow } from './snapshot/snapshot-row.ts';

/** BOOTSTRAP_SUPERUSERID in PostgreSQL's pg_authid.dat: the role that initdb made. */
const bootstrapOid = 10;

/** What the statement read, as the evidence it is. From here on nothing holds a literal of anybody's SQL. */
export function toReading(row: SnapshotRow): DatabaseReading {
  const { waiters: _waiters, targets: _targets, snapshotWaits: _safe, ...rest } = row;
  const { roles, databases: _databases, ...unnamed } = rest;
  const { waitersTotal: _total, preparedHolds: _holds, sessionsBegan: _began, ...named } = unnamed;
  const { sessions, managedBy, ...reading } = named;
  const shown = sessions.filter(({ startedAt }) => startedAt !== null).map(toSession);
  return {
    ...reading,
    ...(managedBy !== null && { managedBy }),
    superuserRoles: roles
      .filter(([, , isSuperuser]) => isSuperuser)
      .map(([oid, name]) => ({ name, isBootstrap: oid === bootstrapOid })),
    sessions: shown,
    sessionsTruncated: row.counts.clients > shown.length,
    locks: readLocks(row),
  };
}

function toSession({ query, cut, queryId, startedAt, ...session }: SessionRow): SessionReading {
  const statement = query === null || query === '' ? null : readStatement(query, cut);
  return {
    ...session,
    startedAt: startedAt ?? '',
    query: statement?.query ?? null,
    fingerprint: queryId ?? statement?.fingerprint ?? null,
  };
}

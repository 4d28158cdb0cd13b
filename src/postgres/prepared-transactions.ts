import type { PreparedTransactions } from '../runbook/ports/prepared.ts';
import { withPrivilegedConnection } from './acting-connection.ts';
import { readPrepared } from './read-prepared.ts';
import { rollbackPrepared } from './rollback-prepared.ts';

/** @param url a superuser, or the role that owns the prepared transactions, with pg_monitor */
export function createPreparedTransactions({
  url,
}: {
  readonly url: string;
}): PreparedTransactions {
  return {
    readPrepared: (gid) => withPrivilegedConnection(url, (client) => readPrepared(client, gid)),
    rollBackPrepared: (target, lease) => {
      const there = toDatabase(url, target.database);
      return withPrivilegedConnection(there, (client) =>
        rollbackPrepared(client, { url: there, lease }, target),
      );
    },
  };
}

/** The same server and role, another database. A name may hold anything, slashes too. */
function toDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
}

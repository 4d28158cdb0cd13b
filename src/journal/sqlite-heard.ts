import type { DatabaseSync } from 'node:sqlite';
import { signedRequestKeptSeconds } from '../runbook/ports/heard-requests.ts';
import type { SignedRequest } from '../runbook/ports/heard-requests.ts';

/** Requests that Slack signed, of its last ten minutes. They belong to no chain: they are forgotten. */
export const signedRequestsTable = /* sql */ `
  CREATE TABLE heard (hash TEXT PRIMARY KEY, signed_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX heard_at ON heard (signed_at);
`;

/** Inside a transaction. As SignedRequestLog.hear. */
export function recordSigned(database: DatabaseSync, { hash, signedAt }: SignedRequest): boolean {
  const { changes } = database
    .prepare(
      `INSERT INTO heard SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM heard WHERE signed_at > ?2 + ?3)
       ON CONFLICT DO NOTHING`,
    )
    .run(hash, signedAt, signedRequestKeptSeconds);
  database
    .prepare('DELETE FROM heard WHERE signed_at < ? - ?')
    .run(signedAt, signedRequestKeptSeconds);
  return changes === 1;
}

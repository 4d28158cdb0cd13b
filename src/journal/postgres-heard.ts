import { signedRequestKeptSeconds } from '../runbook/ports/heard-requests.ts';
import type { SignedRequest } from '../runbook/ports/heard-requests.ts';
import type { Query } from './postgres-session.ts';

/** Requests that Slack signed, of its last ten minutes. They belong to no chain: they are forgotten. */
export const signedRequestsTable: readonly string[] = [
  'CREATE TABLE dbconn.heard (hash text PRIMARY KEY, signed_at bigint NOT NULL)',
  'CREATE INDEX heard_at ON dbconn.heard (signed_at)',
];

/** In a transaction that holds the journal's lock. As SignedRequestLog.hear. */
export async function recordSigned(
  query: Query,
  { hash, signedAt }: SignedRequest,
): Promise<boolean> {
  const added = await query(
    `INSERT INTO dbconn.heard SELECT $1, $2::bigint
       WHERE NOT EXISTS (SELECT FROM dbconn.heard WHERE signed_at > $2::bigint + $3::bigint)
     ON CONFLICT DO NOTHING RETURNING hash`,
    [hash, signedAt, signedRequestKeptSeconds],
  );
  await query('DELETE FROM dbconn.heard WHERE signed_at < $1::bigint - $2::bigint', [
    signedAt,
    signedRequestKeptSeconds,
  ]);
  return added.length === 1;
}

import { z } from 'zod';

/**
 * Who a session is and what it was doing when it was seen. All seven must still hold when it is signalled:
 * a pid alone is given to somebody else, and an idle session that worked in between is in use.
 * Times are UTC text with microseconds; a JavaScript date would lose them and match nothing.
 */
export const SessionIdentity = z.strictObject({
  pid: z.number().int().positive(),
  startedAt: z.string(),
  user: z.string(),
  application: z.string(),
  state: z.enum(['idle', 'idle in transaction', 'idle in transaction (aborted)']),
  stateChangedAt: z.string(),
  transactionStartedAt: z.string().nullable(),
});
export type SessionIdentity = z.infer<typeof SessionIdentity>;

/** A session to end, with what the approver sees of it. Names and query are untrusted text. */
export const SessionTarget = z.strictObject({
  kind: z.literal('session'),
  identity: SessionIdentity,
  client: z.string().nullable(),
  database: z.string().nullable(),
  idleSeconds: z.number(),
  transactionAgeSeconds: z.number().nullable(),
  /** Its transaction has written: ending it loses that work. */
  hasWritten: z.boolean(),
  locksHeld: z.number().int(),
  /** Its last statement, redacted. */
  query: z.string().nullable(),
});
export type SessionTarget = z.infer<typeof SessionTarget>;

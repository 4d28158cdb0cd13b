import { z } from 'zod';

/**
 * Who a session is and which statement it is at. A cancel meant for one statement must not hit the next,
 * so the start of statement and transaction belong to it. Times are UTC text with microseconds.
 */
export const BlockerIdentity = z.strictObject({
  pid: z.number().int().positive(),
  startedAt: z.string(),
  user: z.string(),
  application: z.string(),
  state: z.string(),
  stateChangedAt: z.string(),
  transactionStartedAt: z.string().nullable(),
  queryStartedAt: z.string().nullable(),
});
export type BlockerIdentity = z.infer<typeof BlockerIdentity>;

/** A session whatever it does: its pid alone may be another's by then. */
export const WaiterIdentity = BlockerIdentity.pick({ pid: true, startedAt: true });
export type WaiterIdentity = z.infer<typeof WaiterIdentity>;

/** As many waiters as are kept with one blocker: they give up one after the other, and all would be thousands. */
export const mostWaiters = 50;

/** A session that others wait for, or that somebody named. Names and query are untrusted text. */
export const BlockerTarget = z.strictObject({
  kind: z.literal('blocker'),
  identity: BlockerIdentity,
  /** `cancel` ends its statement only; `cancel-then-terminate` ends it when that did not release the others. */
  how: z.enum(['cancel', 'cancel-then-terminate', 'terminate']),
  /** Waits itself; proposed because those behind it are free once it is gone. */
  queued: z.boolean(),
  /** Distinct sessions that wait for it, directly or through others. */
  victims: z.number().int(),
  /**
   * Some of these, those that wait for it directly first. It is signalled only while one of them waits for it directly;
   * a session that came later was not part of what was approved. Empty when somebody named it, or its statement runs too long.
   */
  waiters: z.array(WaiterIdentity).max(mostWaiters),
  client: z.string().nullable(),
  database: z.string().nullable(),
  transactionAgeSeconds: z.number().nullable(),
  hasWritten: z.boolean(),
  locksHeld: z.number().int(),
  /** Its statement, redacted. */
  query: z.string().nullable(),
});
export type BlockerTarget = z.infer<typeof BlockerTarget>;

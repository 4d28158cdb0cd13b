import { z } from 'zod';
import { ServerIdentity } from '../snapshot/ports.ts';
import { HandOff } from './by-hand/hand-off.ts';
import { Action, RemedyRequest } from './remedy-request.ts';

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

const Sizes = z.strictObject({
  poolSize: z.number().int(),
  maxOverflow: z.number().int(),
});

/** The pool numbers of one service; the containers that get them are targets beside it. */
export const PoolTarget = z.strictObject({
  kind: z.literal('pool'),
  service: z.string(),
  /** What its containers have now; null where neither their environment nor the configuration tells. */
  from: Sizes.nullable(),
  to: Sizes,
  /** Processes over all replicas, each with a pool of its own. */
  processes: z.number().int(),
  /** What its containers' environment calls the two; null where the pool has no variable for its overflow. */
  variables: z.strictObject({ size: z.string(), overflow: z.string().nullable() }),
  /** The file that is written, by its path within the project, such as `.env`. */
  file: z.string(),
  /** SHA-256 of the file the plan was made from: another one later means somebody edited it. Null: there was none. */
  envSha256: z.string().nullable(),
});
export type PoolTarget = z.infer<typeof PoolTarget>;

/** A prepared transaction: told by its gid, its owner and the moment it was prepared. The gid is untrusted text. */
export const PreparedTarget = z.strictObject({
  kind: z.literal('prepared'),
  gid: z.string(),
  owner: z.string(),
  database: z.string(),
  /** UTC text with microseconds: a gid can be used again. */
  preparedAt: z.string(),
  transaction: z.string(),
  ageSeconds: z.number(),
  victims: z.number().int(),
  locksHeld: z.number().int(),
});
export type PreparedTarget = z.infer<typeof PreparedTarget>;

/** One container of a service, to restart or to recreate. */
export const ReplicaTarget = z.strictObject({
  kind: z.literal('replica'),
  id: z.string(),
  name: z.string(),
  number: z.number().int(),
  /** When its process started, as the engine tells it: another value later means somebody restarted it. */
  startedAt: z.string().nullable(),
  state: z.string(),
  health: z.enum(['healthy', 'unhealthy', 'starting', 'none']),
  /** Sessions it held when the plan was made, told by its addresses; null when that could not be read. */
  connections: z.number().int().nullable(),
});
export type ReplicaTarget = z.infer<typeof ReplicaTarget>;

/** A service whose processes dbconn does not see: told by its sessions. */
export const ServiceTarget = z.strictObject({
  kind: z.literal('service'),
  name: z.string(),
  /** Sessions it held when the plan was made; null when that could not be read. */
  connections: z.number().int().nullable(),
});
export type ServiceTarget = z.infer<typeof ServiceTarget>;

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

/** A setting of PostgreSQL and the value it is to have, each as PostgreSQL writes it. */
export const SettingTarget = z.strictObject({
  kind: z.literal('setting'),
  name: z.string(),
  /** Null: for the whole cluster. Untrusted text. */
  role: z.string().nullable(),
  /** What is set at that place now; null when nothing is, and the default or the file holds. */
  from: z.string().nullable(),
  /** Null takes it away again. */
  to: z.string().nullable(),
  /** What holds now, wherever it comes from. */
  inForce: z.string(),
  /** Where that comes from, such as `configuration file` or `command line`. */
  source: z.string(),
});
export type SettingTarget = z.infer<typeof SettingTarget>;

export const PlanTarget = z.discriminatedUnion('kind', [
  SessionTarget,
  ReplicaTarget,
  BlockerTarget,
  PreparedTarget,
  SettingTarget,
  PoolTarget,
  ServiceTarget,
]);
export type PlanTarget = z.infer<typeof PlanTarget>;

/** Something the plan leaves alone although it looks like a target. */
export const Skipped = z.strictObject({
  /** `pid 4711`, a container's name. */
  what: z.string(),
  /** Untrusted text that tells more, such as the application's name. */
  label: z.string(),
  reason: z.string(),
});
export type Skipped = z.infer<typeof Skipped>;

/** Which server a plan was made on: a target's address may lead to another one by the time it runs. */
export const PlannedServer = ServerIdentity.omit({ database: true }).strict();
export type PlannedServer = Readonly<z.infer<typeof PlannedServer>>;

/** Everything an approver approves, and nothing else runs. Titles and sentences hold figures and configured names only. */
export const Plan = z.strictObject({
  option: Action,
  /** The configured target, such as `default`. */
  target: z.string(),
  ask: RemedyRequest,
  title: z.string(),
  /** The application or service it is about. Untrusted text. */
  subject: z.string().nullable(),
  targets: z.array(PlanTarget),
  /** At most 50; `skippedTotal` counts all. */
  skipped: z.array(Skipped),
  skippedTotal: z.number().int(),
  cost: z.array(z.string()),
  frees: z.strictObject({ slots: z.number().int().nullable(), sentence: z.string() }),
  undo: z.string(),
  /** What would undo it, for a plan and a vote of its own; null where nothing can. */
  undoAsk: RemedyRequest.nullable(),
  /** What will happen, in this order, each a sentence: the card counts them off while it runs. */
  steps: z.array(z.string()).min(1).max(100),
  risk: z.enum(['low', 'medium', 'high']),
  /** The policy under which it was proposed; a changed policy makes the plan stale. */
  policyVersion: z.string(),
  plannedAt: z.string(),
  /** Absent where the targets tell it: no two servers have the same session, and a container is none. */
  server: PlannedServer.exactOptional(),
  /** Where dbconn has not the means: a person runs it, and dbconn only looks. Absent: dbconn runs it. */
  byHand: HandOff.exactOptional(),
});
export type Plan = z.infer<typeof Plan>;

/** A plan as its remedy makes it; the approvals code adds the policy's version and the time. */
export type PlanDraft = Omit<Plan, 'policyVersion' | 'plannedAt'>;

/** SHA-256 of the plan as canonical JSON, lower-case hex: what a vote is for. */
export function hashPlan(plan: Plan): Promise<string> {
  return hashJson(plan);
}

/** SHA-256 of a value's canonical JSON: keys sorted, so that two writings of one value agree. */
export async function hashJson(value: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(canonicalJson(value));
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** JSON with every object's keys in code point order and nothing optional left as undefined. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner).filter(([, entryValue]) => entryValue !== undefined);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

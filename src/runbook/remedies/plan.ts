import { z } from 'zod';
import { OptionLetter } from '../diagnose/diagnosis.ts';

/** What somebody asked for. A fresh plan can be made from it at any time. */
export const Ask = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('idle-in-transaction'),
    /** All applications without it. */
    application: z.string().min(1).max(63).exactOptional(),
    idleForMs: z.number().int().positive(),
  }),
  z.strictObject({
    kind: z.literal('idle'),
    application: z.string().min(1).max(63),
    idleForMs: z.number().int().positive(),
  }),
  z.strictObject({ kind: z.literal('restart'), service: z.string().min(1).max(100) }),
]);
export type Ask = z.infer<typeof Ask>;

/** The runbook's letter for what is asked. */
export function optionOf({ kind }: Ask): OptionLetter {
  return kind === 'restart' ? 'C' : 'A';
}

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

/** One container of a service to restart. */
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

export const PlanTarget = z.discriminatedUnion('kind', [SessionTarget, ReplicaTarget]);
export type PlanTarget = z.infer<typeof PlanTarget>;

/** Something the plan leaves alone although it looks like a target. */
export const Spared = z.strictObject({
  /** `pid 4711`, a container's name. */
  what: z.string(),
  /** Untrusted text that tells more, such as the application's name. */
  label: z.string(),
  reason: z.string(),
});
export type Spared = z.infer<typeof Spared>;

/** Everything an approver approves, and nothing else runs. Titles and sentences hold figures and configured names only. */
export const Plan = z.strictObject({
  option: OptionLetter,
  /** The configured target, such as `default`. */
  target: z.string(),
  ask: Ask,
  title: z.string(),
  /** The application or service it is about. Untrusted text. */
  subject: z.string().nullable(),
  targets: z.array(PlanTarget),
  /** At most 50; `sparedTotal` counts all. */
  spared: z.array(Spared),
  sparedTotal: z.number().int(),
  cost: z.array(z.string()),
  frees: z.strictObject({ slots: z.number().int().nullable(), sentence: z.string() }),
  undo: z.string(),
  risk: z.enum(['low', 'medium', 'high']),
  /** The policy under which it was proposed; a changed policy makes the plan stale. */
  policyVersion: z.string(),
  plannedAt: z.string(),
});
export type Plan = z.infer<typeof Plan>;

/** A plan as its remedy makes it; the door adds the policy's version and the time. */
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
    const entries = Object.entries(inner).filter(([, held]) => held !== undefined);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

import { z } from 'zod';
import { Action } from './action.ts';
import { RemedyRequest } from './ask.ts';
import { HandOff } from './by-hand/hand-off.ts';
import { BlockerTarget } from './targets/blocker.ts';
import { PoolTarget } from './targets/pool.ts';
import { PreparedTarget } from './targets/prepared.ts';
import { ReplicaTarget } from './targets/replica.ts';
import { ServiceTarget } from './targets/service.ts';
import { SessionTarget } from './targets/session.ts';
import { SettingTarget } from './targets/setting.ts';

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
  /** At most 50; `sparedTotal` counts all. */
  spared: z.array(Skipped),
  sparedTotal: z.number().int(),
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
  /** Where dbconn has not the means: a person runs it, and dbconn only looks. Absent: dbconn runs it. */
  byHand: HandOff.exactOptional(),
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
    const entries = Object.entries(inner).filter(([, entryValue]) => entryValue !== undefined);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

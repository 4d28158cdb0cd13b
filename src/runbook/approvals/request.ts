import { z } from 'zod';
import { Plan, Skipped } from '../remedies/plan.ts';
import { Action, RemedyRequest } from '../remedies/remedy-request.ts';
import { Report } from '../remedies/remedy.ts';
import { cleanUntrusted, redactText } from '../snapshot/redaction/redact-text.ts';
import { Fullness, Holding, Outcome } from './verify/outcome.ts';
import { Witnesses } from './verify/witnesses.ts';

/** Who does something, and by which entrance. Only Slack proves who a person is. */
export const Actor = z.strictObject({
  /** A Slack user id, or the operating system's user for the terminal. */
  id: z.string().min(1).max(100),
  via: z.enum(['slack', 'terminal', 'timer']),
  /** The Slack workspace the person belongs to, where Slack said so. */
  team: z.string().max(30).optional(),
});
export type Actor = z.infer<typeof Actor>;

const longestReason = 500;

/** What a person wrote, fit to be kept: people in a hurry paste addresses and statements. Null when nothing is left. */
export function cleanReason(reason: string | undefined): string | null {
  const text = cleanUntrusted(redactText(reason ?? ''), longestReason).trim();
  return text === '' ? null : text;
}

export const RequestState = z.enum([
  'proposed',
  'approved',
  'handed',
  'denied',
  'withdrawn',
  'expired',
  'executing',
  'verifying',
  'stale',
  'done',
  'failed',
]);
export type RequestState = z.infer<typeof RequestState>;

export const Vote = z.strictObject({ by: Actor, at: z.string(), reason: z.string().nullable() });
export type Vote = z.infer<typeof Vote>;

/** How a request or an incident ended. */
export const Closing = z.strictObject({
  /** Null where it was nobody, but dbconn by what it saw. */
  by: Actor.nullable(),
  at: z.string(),
  sentence: z.string(),
  /** What the person wrote. Untrusted text. */
  reason: z.string().nullable(),
});

/** A plan waiting for votes, and what became of it. */
export const ApprovalRequest = z.strictObject({
  /** Opaque: the only thing a button carries. */
  id: z.string(),
  /** Counts every change; a change names the version it was made from. */
  version: z.number().int(),
  state: RequestState,
  target: z.string(),
  option: Action,
  ask: RemedyRequest,
  plan: Plan,
  /** What every vote is for. */
  hash: z.string(),
  proposedBy: Actor,
  proposedAt: z.string(),
  expiresAt: z.string(),
  votesNeeded: z.number().int().min(1),
  votes: z.array(Vote),
  /** The request this one asks again for, or undoes. */
  supersedes: z.string().nullable(),
  /** The request whose change this one takes back. */
  undoes: z.string().nullable().default(null),
  /** Who ran it without the votes it needs, by the configured exception. Counts as no vote. */
  brokenGlass: z
    .strictObject({
      by: Actor,
      at: z.string(),
      /** Untrusted text. */
      reason: z.string(),
    })
    .nullable()
    .default(null),
  /** Of a plan that a person runs: since and until when its commands are shown, and who said that they ran them. */
  handOff: z
    .strictObject({
      shownAt: z.string(),
      until: z.string(),
      ranBy: z.strictObject({ by: Actor, at: z.string() }).nullable(),
    })
    .nullable()
    .default(null),
  /** How it ended without being done, or why it failed. */
  closing: Closing.nullable(),
  execution: z
    .strictObject({
      startedAt: z.string(),
      /** Targets that were still as approved when it began. */
      left: z.number().int(),
      /** The others, and why; at most 50. */
      skipped: z.array(Skipped),
      before: Fullness,
      /** Right after the last step; null until then. */
      after: Fullness,
      /** Who held the slots at both checks. */
      holdings: z
        .strictObject({ before: z.array(Holding), after: z.array(Holding) })
        .exactOptional(),
      /** How many there were of what it is to do away with, where that is not taken slots. */
      aimedAt: z
        .strictObject({ before: z.number().nullable(), after: z.number().nullable() })
        .exactOptional(),
      /** Pools and waits before the change. */
      witnesses: Witnesses.exactOptional(),
    })
    .nullable(),
  /** What it did, and once it was seen, whether that helped. */
  result: z
    .strictObject({ report: Report, outcome: Outcome.nullable(), endedAt: z.string() })
    .nullable(),
});
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

/** Every legal transition. A state without successors is an end. */
const successors: Readonly<Record<RequestState, readonly RequestState[]>> = {
  // A vote that is not the last leaves it proposed.
  proposed: ['proposed', 'approved', 'denied', 'withdrawn', 'expired', 'stale'],
  approved: ['executing', 'handed', 'stale', 'failed'],
  // Its commands are shown; a person runs them and says so.
  handed: ['verifying', 'expired'],
  executing: ['executing', 'verifying', 'done', 'failed', 'stale'],
  // The change is over and the target free for another one; only the outcome is still to be seen.
  // Of what a person ran, the first look is a step of its own.
  verifying: ['verifying', 'done'],
  denied: [],
  withdrawn: [],
  expired: [],
  stale: [],
  done: [],
  failed: [],
};

/** Those of a request that has not come to its end. */
export const openStates: readonly RequestState[] = [
  'proposed',
  'approved',
  'handed',
  'executing',
  'verifying',
];

/** Whether a request may go from one state to the other. */
export function canFollow(from: RequestState, to: RequestState): boolean {
  return successors[from].includes(to);
}

export type RequestChange = Partial<
  Pick<ApprovalRequest, 'votes' | 'brokenGlass' | 'handOff' | 'closing' | 'execution' | 'result'>
>;

/** The request one version later. Throws on a transition the table does not know: that is a fault of ours. */
export function advance(
  request: ApprovalRequest,
  state: RequestState,
  change: RequestChange,
): ApprovalRequest {
  if (!canFollow(request.state, state)) {
    throw new Error(`A request cannot go from ${request.state} to ${state}.`);
  }
  return { ...request, ...change, state, version: request.version + 1 };
}

/** At the very moment of its expiry a request is expired. */
export function isExpired({ state, expiresAt, handOff }: ApprovalRequest, nowMs: number): boolean {
  if (state === 'handed') return handOff === null || nowMs >= Date.parse(handOff.until);
  return state === 'proposed' && nowMs >= Date.parse(expiresAt);
}

export function isOpen({ state }: ApprovalRequest): boolean {
  return successors[state].length > 0;
}

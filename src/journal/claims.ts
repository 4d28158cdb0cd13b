import { z } from 'zod';
import { RequestState, Vote, canFollow } from '../runbook/approval/request.ts';

/**
 * What an entry says of its request, besides its hash: what a run depends on. From entry to entry it may change only
 * as dbconn's own rules allow, so that a row written past the chain is found even after a later entry took it over.
 */
export const Claims = z.object({
  state: RequestState,
  /** Of the plan: what the votes are for. */
  hash: z.string(),
  votesNeeded: z.number(),
  expiresAt: z.string(),
  votes: z.array(z.object({ by: Vote.shape.by, at: Vote.shape.at })),
});
export type Claims = z.infer<typeof Claims>;

/** Of a stored request, which is JSON text. */
export function claimsOf(data: string): Claims {
  return Claims.parse(JSON.parse(data));
}

interface Change {
  readonly kind: string;
  /** Undefined for the first entry of a request. */
  readonly before: Claims | undefined;
  readonly after: Claims;
}

/** Why an entry of that kind cannot have changed the request so; undefined where it can. */
export function whyImpossible({ kind, before, after }: Change): string | undefined {
  if (before === undefined) {
    return kind === 'proposed' ? undefined : 'It belongs to a request that was never proposed.';
  }
  if (after.hash !== before.hash) return 'The plan of its request changed.';
  if (after.votesNeeded !== before.votesNeeded) return 'The number of votes needed changed.';
  if (after.expiresAt !== before.expiresAt) return 'The expiry of its request changed.';
  const added = after.votes.slice(before.votes.length);
  const kept = after.votes.slice(0, before.votes.length);
  if (JSON.stringify(kept) !== JSON.stringify(before.votes)) return 'A vote changed.';
  if (added.length > (kind === 'vote' ? 1 : 0)) return 'A vote was not recorded as one.';
  if (!canFollow(before.state, after.state)) {
    return `Its request cannot go from ${before.state} to ${after.state}.`;
  }
  const isApproval = before.state === 'proposed' && after.state === 'approved';
  const isShort = after.votes.length < after.votesNeeded && kind !== 'break-glass';
  return isApproval && isShort ? 'Its request was approved without the votes it needs.' : undefined;
}

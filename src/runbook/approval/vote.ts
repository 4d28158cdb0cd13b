import { done } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { cleanReason } from './clean-reason.ts';
import type { ApprovalDeps } from './door-ports.ts';
import { findOpen } from './find-open.ts';
import { isoNow } from './iso-now.ts';
import { mayRunNow } from './may-run-now.ts';
import { mayVote } from '../approvals/permissions.ts';
import { readOptionPolicy } from '../approvals/policy.ts';
import { refuseContended, refuseReasonMissing } from '../approvals/refusals.ts';
import { advance } from './request.ts';
import type { Actor } from './actor.ts';
import type { ApprovalRequest, Vote } from './request.ts';

/** Who clicks or types, on which request, and what they wrote. */
export interface Click {
  readonly id: string;
  readonly actor: Actor;
  readonly reason: string | undefined;
}

/** Each try more means that somebody else's click came between; there are not this many approvers. */
export const mostTries = 20;

/** Counts one vote. The request comes back `approved` to exactly one caller: whose vote was the last one needed. */
export async function vote(
  ports: ApprovalDeps,
  { id, actor, reason }: Click,
): Promise<Answer<ApprovalRequest>> {
  const given = { by: actor, at: isoNow(ports.clock), reason: cleanReason(reason) };
  for (let tries = 0; tries < mostTries; tries += 1) {
    const found = await findOpen(ports, id);
    if (!found.ok) return found;
    const request = found.value;
    const allowed = await mayCount(ports, request, given);
    if (!allowed.ok) {
      // Somebody else's vote may have counted while this person was looked up; that says more.
      if ((await ports.journal.read(id))?.version !== request.version) continue;
      return allowed;
    }
    const votes = [...request.votes, given];
    const state = votes.length >= request.votesNeeded ? 'approved' : 'proposed';
    const next = advance(request, state, { votes });
    const entry = { request: id, kind: 'vote', body: { ...given, state, hash: request.hash } };
    if ((await ports.journal.move(request.version, next, entry)) === 'moved') {
      ports.onChange(next);
      return done(next);
    }
  }
  return refuseContended();
}

async function mayCount(
  ports: ApprovalDeps,
  request: ApprovalRequest,
  given: Vote,
): Promise<Answer<null>> {
  const allowed = await mayVote(ports, request, given.by);
  if (!allowed.ok) return allowed;
  if (readOptionPolicy(ports.policy, request.option).reasonRequired && given.reason === null) {
    return refuseReasonMissing();
  }
  return mayRunNow(ports, request);
}

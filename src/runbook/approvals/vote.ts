import { isoNow } from '../../timing.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { ApprovalDeps } from './context.ts';
import { mayRunNow } from './may-run-now.ts';
import { decideOn, findOpen } from './open-request.ts';
import { mayBreakGlass, mayDeny, mayVote, mayWithdraw } from './permissions.ts';
import { readOptionPolicy } from './policy.ts';
import { refuseReasonMissing } from './refusals.ts';
import { cleanReason } from './request.ts';
import type { Actor, ApprovalRequest, Vote } from './request.ts';

/** Who clicks or types, on which request, and what they wrote. */
export interface Click {
  readonly id: string;
  readonly actor: Actor;
  readonly reason: string | undefined;
}

/** Counts one vote. The request comes back `approved` to exactly one caller: whose vote was the last one needed. */
export function vote(
  ports: ApprovalDeps,
  { id, actor, reason }: Click,
): Promise<Answer<ApprovalRequest>> {
  const given = { by: actor, at: isoNow(ports.clock), reason: cleanReason(reason) };
  return decideOn(
    ports,
    () => findOpen(ports, id),
    async (request) => {
      const allowed = await mayCount(ports, request, given);
      if (!allowed.ok) return allowed;
      const votes = [...request.votes, given];
      const state = votes.length >= request.votesNeeded ? 'approved' : 'proposed';
      const body = { ...given, state, hash: request.hash };
      return done({ state, change: { votes }, kind: 'vote', body });
    },
  );
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

/**
 * Runs a proposal without the votes it needs, where the configuration names the person and the option. It stands
 * in for the votes and for nothing else: a stop, an expiry, a changed plan and a cooldown hold as ever.
 */
export function breakGlass(
  ports: ApprovalDeps,
  { id, actor, reason }: Click,
): Promise<Answer<ApprovalRequest>> {
  return decideOn(
    ports,
    () => findOpen(ports, id),
    async (request) => {
      const allowed = await mayStandIn(ports, request, { actor, reason });
      if (!allowed.ok) return allowed;
      const brokenGlass = { by: actor, at: isoNow(ports.clock), reason: allowed.value };
      const body = { ...brokenGlass, hash: request.hash };
      return done({ state: 'approved', change: { brokenGlass }, kind: 'break-glass', body });
    },
  );
}

/** The reason as it is recorded. */
async function mayStandIn(
  ports: ApprovalDeps,
  request: ApprovalRequest,
  { actor, reason }: Omit<Click, 'id'>,
): Promise<Answer<string>> {
  const allowed = await mayBreakGlass(ports, request, actor);
  if (!allowed.ok) return allowed;
  const why = cleanReason(reason);
  if (why === null) return refuseUnexplained();
  const now = await mayRunNow(ports, request);
  return now.ok ? done(why) : now;
}

function refuseUnexplained(): ReturnType<typeof refuse> {
  const why = 'Running it without its votes needs a reason, and everybody will read it.';
  return refuse('reason-missing', why, 'Say it again with a reason.');
}

/** A no: an approver's, or the proposer's own. One is enough. */
export function close(
  ports: ApprovalDeps,
  state: 'denied' | 'withdrawn',
  { id, actor, reason }: Click,
): Promise<Answer<ApprovalRequest>> {
  const sentence = state === 'denied' ? 'An approver said no.' : 'The proposer withdrew it.';
  return decideOn(
    ports,
    () => findOpen(ports, id),
    async (request) => {
      const allowed =
        state === 'denied'
          ? await mayDeny(ports, request, actor)
          : mayWithdraw(ports.policy, request, actor);
      if (!allowed.ok) return allowed;
      const ending = { by: actor, sentence, reason: cleanReason(reason) };
      const closing = { ...ending, at: isoNow(ports.clock) };
      return done({ state, change: { closing }, kind: state, body: closing });
    },
  );
}

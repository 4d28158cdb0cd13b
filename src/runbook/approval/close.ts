import { done } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { cleanReason } from './clean-reason.ts';
import type { ApprovalDeps } from './door-ports.ts';
import { end, findOpen } from './find-open.ts';
import { mayDeny, mayWithdraw } from '../approvals/permissions.ts';
import { refuseContended } from '../approvals/refusals.ts';
import type { ApprovalRequest } from './request.ts';
import { mostTries } from './vote.ts';
import type { Click } from './vote.ts';

/** A no: an approver's, or the proposer's own. One is enough. */
export async function close(
  ports: ApprovalDeps,
  state: 'denied' | 'withdrawn',
  { id, actor, reason }: Click,
): Promise<Answer<ApprovalRequest>> {
  const sentence = state === 'denied' ? 'An approver said no.' : 'The proposer withdrew it.';
  for (let tries = 0; tries < mostTries; tries += 1) {
    const found = await findOpen(ports, id);
    if (!found.ok) return found;
    const request = found.value;
    const allowed =
      state === 'denied'
        ? await mayDeny(ports, request, actor)
        : mayWithdraw(ports.policy, request, actor);
    if (!allowed.ok) return allowed;
    const ending = { state, by: actor, sentence, reason: cleanReason(reason) };
    const closed = await end(ports, request, ending);
    if (closed !== undefined) return done(closed);
  }
  return refuseContended();
}

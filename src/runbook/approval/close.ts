import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { cleanReason } from './clean-reason.ts';
import type { DoorPorts } from './door-ports.ts';
import { end, findOpen } from './find-open.ts';
import { mayDeny } from './policy.ts';
import { refuseCrowded } from './refusals.ts';
import type { Actor, Request } from './request.ts';
import { mostTries } from './vote.ts';
import type { Click } from './vote.ts';

/** A no: an approver's, or the proposer's own. One is enough. */
export async function close(
  ports: DoorPorts,
  state: 'denied' | 'withdrawn',
  { id, actor, reason }: Click,
): Promise<Answer<Request>> {
  const sentence = state === 'denied' ? 'An approver said no.' : 'The proposer withdrew it.';
  for (let tries = 0; tries < mostTries; tries += 1) {
    const found = await findOpen(ports, id);
    if (!found.ok) return found;
    const request = found.value;
    const allowed =
      state === 'denied' ? mayDeny(ports.policy, request, actor) : mayWithdraw(request, actor);
    if (!allowed.ok) return allowed;
    const ending = { state, by: actor, sentence, reason: cleanReason(reason) };
    const closed = await end(ports, request, ending);
    if (closed !== undefined) return done(closed);
  }
  return refuseCrowded();
}

function mayWithdraw({ proposedBy }: Request, actor: Actor): Answer<null> {
  if (proposedBy.id === actor.id && proposedBy.via === actor.via) return done(null);
  const why = 'Only who proposed it can withdraw it.';
  return refuse('not-the-proposer', why, 'An approver can deny it.');
}

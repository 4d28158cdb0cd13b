import { refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { ApprovalDeps } from './door-ports.ts';
import { propose } from './propose.ts';
import { refuseUnknown } from '../approvals/refusals.ts';
import type { Actor } from './actor.ts';
import type { ApprovalRequest } from './request.ts';

/** Proposes what would take a change back, with votes of its own. */
export async function undo(
  ports: ApprovalDeps,
  id: string,
  actor: Actor,
): Promise<Answer<ApprovalRequest>> {
  const request = await ports.journal.read(id);
  if (request === undefined) return refuseUnknown();
  const { plan, result, target } = request;
  if (result === null) {
    const next = 'Look with /dbconn status.';
    return refuse('not-done', 'It has changed nothing yet, so there is nothing to undo.', next);
  }
  const { undoAsk: ask } = plan;
  if (ask === null) {
    return refuse('no-undo', `It cannot be undone by a proposal. ${plan.undo}`, 'See its thread.');
  }
  return propose(ports, { target, ask, actor, supersedes: id, undoes: id });
}

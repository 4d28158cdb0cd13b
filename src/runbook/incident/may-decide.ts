import { checkMembership } from '../approval/membership.ts';
import { nobodyKnown } from '../approval/nobody-known.ts';
import type { Actor } from '../approval/actor.ts';
import type { People } from '../ports/people.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';

/**
 * Whether somebody may change what others rely on: who has an incident, its silence, its end. Full members of the
 * workspace may, looked up anew; guests, bots, people of other workspaces and whoever cannot be looked up may look.
 * The terminal proves nobody's name. Opening an incident and calling for help are for everybody.
 */
export async function mayDecide(people: People | undefined, actor: Actor): Promise<Answer<null>> {
  if (actor.via === 'timer') return done(null);
  if (actor.via === 'terminal') {
    const why = 'The terminal does not prove who you are: it may look, open incidents and call.';
    return refuse('terminal', why, 'Do it in Slack.');
  }
  const { id } = actor;
  const standing = await checkMembership(people ?? nobodyKnown, id, [id]);
  return standing.kind === 'refused' ? { ok: false, refusal: standing.refusal } : done(null);
}

import { done, refuse } from '../remedies/remedy.ts';
import type { Commands } from '../remedies/by-hand/hand-off.ts';
import type { Answer } from '../remedies/remedy.ts';
import { commandsFor } from './commands-for.ts';
import type { ApprovalDeps } from './door-ports.ts';
import { readStop } from '../approvals/emergency-stop.ts';
import { expire, isOverdue } from './find-open.ts';
import { isoNow } from './iso-now.ts';
import { mayTakeHandOff } from '../approvals/permissions.ts';
import { mustBeTrue } from './must-be-true.ts';
import {
  refuseClosed,
  refuseContended,
  refuseStopped,
  refuseUnknown,
} from '../approvals/refusals.ts';
import { advance } from './request.ts';
import type { ApprovalRequest } from './request.ts';
import { mostTries } from './vote.ts';
import type { Click } from './vote.ts';

/**
 * Somebody says that they ran the commands. It is recorded as theirs, and what came of it is looked at as after any
 * change. Only the first word counts.
 */
export async function ranByHand(
  ports: ApprovalDeps,
  { id, actor }: Click,
): Promise<Answer<ApprovalRequest>> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const found = await findHanded(ports, id);
    if (!found.ok) return found;
    const request = found.value;
    const allowed = await mayTakeHandOff(ports, request, actor);
    if (!allowed.ok) return allowed;
    const truth = await mustBeTrue(ports, request.target);
    if (!truth.ok) return truth;
    const stop = await readStop(ports);
    if (stop !== undefined) return refuseStopped(stop);
    const ranBy = { by: actor, at: isoNow(ports.clock) };
    const report = { items: [], summary: 'It was run by hand.', finished: true };
    const next = advance(request, 'verifying', {
      handOff: { ...(request.handOff ?? { shownAt: ranBy.at, until: ranBy.at }), ranBy },
      result: { report, outcome: null, endedAt: ranBy.at },
    });
    const entry = { request: id, kind: 'ran-by-hand', body: { ...ranBy, hash: request.hash } };
    if ((await ports.journal.move(request.version, next, entry)) === 'moved') {
      ports.onChange(next);
      return done(next);
    }
  }
  return refuseContended();
}

/** Nothing is shown while changes are stopped: who reads it would run it. */
export async function showCommands(ports: ApprovalDeps, id: string): Promise<Answer<Commands>> {
  const found = await findHanded(ports, id);
  if (!found.ok) return found;
  const truth = await mustBeTrue(ports, found.value.target);
  if (!truth.ok) return truth;
  const stop = await readStop(ports);
  if (stop !== undefined) return refuseStopped(stop);
  const commands = commandsFor(found.value);
  return commands === undefined ? refuseClosed(found.value) : done(commands);
}

/** A request whose commands are shown. One whose time is over is closed on the way. */
async function findHanded(ports: ApprovalDeps, id: string): Promise<Answer<ApprovalRequest>> {
  const request = await ports.journal.read(id);
  if (request === undefined) return refuseUnknown();
  const { state, plan } = request;
  if (plan.byHand === undefined) {
    const why = 'dbconn runs this itself, so there is nothing to run by hand.';
    return refuse('not-by-hand', why, 'Its thread tells each step.');
  }
  if (state === 'proposed') {
    const why = 'Its commands show once it is approved.';
    return refuse('not-approved', why, 'Approve it with the button of the proposal, in Slack.');
  }
  if (state !== 'handed') return refuseClosed(request);
  if (!(await isOverdue(ports, request))) return done(request);
  return refuseClosed((await expire(ports, request)) ?? (await ports.journal.read(id)) ?? request);
}

import type { Blocker, BlockerSession } from '../d-stop-blockers/ports.ts';
import type { RemedyRequest } from '../ask.ts';
import { draftStop } from './blocker-plan.ts';
import { defaultReleaseWithinMs, toGuard } from './ports.ts';
import type { OptionDPorts } from './ports.ts';
import type { PlanDraft, Skipped } from '../plan.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer } from '../remedy.ts';
import { whyBlockerSkipped } from './spared-blocker.ts';
import type { BlockerTarget } from '../targets/blocker.ts';
import { count, durationOfMs } from '../../snapshot/wording.ts';

/** As many as somebody can read through; the longest come first, and one can ask again. */
const mostStatements = 50;

/**
 * Statements to cancel because they run too long: their connections go back to their pools. Those that wait for their
 * client are terminated: a cancel would be heard only once the client listens again.
 */
export async function planSlow(
  ports: OptionDPorts,
  session: BlockerSession,
  ask: Extract<RemedyRequest, { kind: 'cancel-slow' }>,
): Promise<Answer<PlanDraft>> {
  const { runningForMs } = ask;
  const slow = { runningForMs, atMost: ports.atMost ?? mostStatements };
  const targets: BlockerTarget[] = [];
  const spared: Skipped[] = [];
  for (const blocker of await session.readSlow(slow, toGuard(ports))) {
    const reason = whyBlockerSkipped(blocker);
    const { pid, application } = blocker.identity;
    if (reason === null) targets.push(toTarget(blocker));
    else spared.push({ what: `pid ${pid}`, label: application, reason });
  }
  if (targets.length === 0) return refuseNothing(runningForMs, spared);
  const releaseWithinMs = ports.releaseWithinMs ?? defaultReleaseWithinMs;
  return done(
    draftStop({ target: ports.target.name, ask, targets, spared, waiters: 0, releaseWithinMs }),
  );
}

function toTarget({ spared: _skipped, process, ...facts }: Blocker): BlockerTarget {
  const how = process === 'slow client' ? 'terminate' : 'cancel';
  return { kind: 'blocker', ...facts, how, queued: false, victims: 0, waiters: [] };
}

function refuseNothing(runningForMs: number, spared: readonly Skipped[]): Answer<PlanDraft> {
  const over = durationOfMs(runningForMs);
  const next = 'Look with /dbconn sessions.';
  const [{ reason } = { reason: '' }] = spared;
  if (spared.length === 0) {
    return refuse('nothing-to-do', `No statement has run for over ${over}.`, next);
  }
  const why = `${count(spared.length, 'statement')} run for over ${over}, and each is spared: ${reason}.`;
  return refuse('nothing-to-do', why, next);
}

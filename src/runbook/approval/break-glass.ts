import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { cleanReason } from './clean-reason.ts';
import type { ApprovalDeps } from './door-ports.ts';
import { findOpen } from './find-open.ts';
import { isoNow } from './iso-now.ts';
import { mayBreakGlass } from '../approvals/permissions.ts';
import { mayRunNow } from './may-run-now.ts';
import { refuseContended } from '../approvals/refusals.ts';
import { advance } from './request.ts';
import type { ApprovalRequest } from './request.ts';
import { mostTries } from './vote.ts';
import type { Click } from './vote.ts';

/**
 * Runs a proposal without the votes it needs, where the configuration names the person and the option. It stands
 * in for the votes and for nothing else: a stop, an expiry, a changed plan and a cooldown hold as ever.
 */
export async function breakGlass(
  ports: ApprovalDeps,
  { id, actor, reason }: Click,
): Promise<Answer<ApprovalRequest>> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const found = await findOpen(ports, id);
    if (!found.ok) return found;
    const request = found.value;
    const allowed = await mayStandIn(ports, request, { actor, reason });
    if (!allowed.ok) {
      // It may have been closed, or changed past the journal, while this person was looked up; that says more.
      if ((await ports.journal.read(id))?.version !== request.version) continue;
      return allowed;
    }
    const brokenGlass = { by: actor, at: isoNow(ports.clock), reason: allowed.value };
    const next = advance(request, 'approved', { brokenGlass });
    const entry = {
      request: id,
      kind: 'break-glass',
      body: { ...brokenGlass, hash: request.hash },
    };
    if ((await ports.journal.move(request.version, next, entry)) === 'moved') {
      ports.onChange(next);
      return done(next);
    }
  }
  return refuseContended();
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

import { readFullness, unknownOutcome } from '../verify/verify.ts';
import { toVerifying } from './execute.ts';
import { isoNow } from './iso-now.ts';
import { recoverSafely } from './recover-safely.ts';
import type { ApprovalRequest } from './request.ts';
import { controlOf } from './run-control.ts';
import { mustMove } from './site.ts';
import type { ExecutionContext, Step } from './site.ts';

/**
 * Finishes what another process began and did not end: the remedy finds out what is true, completes or undoes what
 * was half done, and says what a look cannot tell. Call it with the lease on the request. Returns it ended, or
 * as `verifying` where the remedy came to its end after all.
 */
export async function finishRequest(
  request: ApprovalRequest,
  context: ExecutionContext,
): Promise<ApprovalRequest> {
  switch (request.state) {
    case 'approved':
      return mustMove(request, context, neverBegan(context));
    case 'executing':
      return mustMove(request, context, await brokenOff(request, context));
    case 'verifying':
      return ranByHandUnseen(request)
        ? mustMove(request, context, await checkAfter(request, context))
        : request;
    default:
      return request;
  }
}

/** A person ran it, and nobody has looked yet what became of its targets. */
function ranByHandUnseen({ plan, result }: ApprovalRequest): boolean {
  return plan.byHand !== undefined && result?.report.items.length === 0;
}

async function checkAfter(request: ApprovalRequest, context: ExecutionContext): Promise<Step> {
  const report = await recoverSafely(request, context, controlOf(request, context));
  return toVerifying(request, report, context);
}

function neverBegan({ clock }: ExecutionContext): Step {
  const sentence = 'dbconn was interrupted before it began; nothing was done.';
  const closing = { by: null, at: isoNow(clock), sentence, reason: null };
  return { state: 'failed', change: { closing } };
}

async function brokenOff(request: ApprovalRequest, context: ExecutionContext): Promise<Step> {
  const report = await recoverSafely(request, context, controlOf(request, context));
  if (report.finished) return toVerifying(request, report, context);
  const later = readFullness(await context.takeSnapshot());
  const sentence =
    'dbconn was interrupted while this was running; this is what a look found afterwards.';
  const outcome = unknownOutcome(sentence, later);
  const result = { report, outcome, endedAt: isoNow(context.clock) };
  return { state: 'done', change: { result } };
}

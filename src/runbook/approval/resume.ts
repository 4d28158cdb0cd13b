import { readFullness, unknownOutcome } from '../verify/verify.ts';
import { toVerifying } from './execute.ts';
import { isoNow } from './iso-now.ts';
import { recoverSafely } from './recover-safely.ts';
import type { Request } from './request.ts';
import { controlOf } from './run-control.ts';
import { mustMove } from './site.ts';
import type { Site, Step } from './site.ts';

/**
 * Finishes what another process began and did not end: the remedy finds out what is true, completes or undoes what
 * was half done, and says what a look cannot tell. Call it with the lease on the request. Returns it ended, or
 * as `verifying` where the remedy came to its end after all.
 */
export async function finishRequest(request: Request, site: Site): Promise<Request> {
  switch (request.state) {
    case 'approved':
      return mustMove(request, site, neverBegan(site));
    case 'executing':
      return mustMove(request, site, await brokenOff(request, site));
    case 'verifying':
      return ranByHandUnseen(request)
        ? mustMove(request, site, await lookAfter(request, site))
        : request;
    default:
      return request;
  }
}

/** A person ran it, and nobody has looked yet what became of its targets. */
function ranByHandUnseen({ plan, result }: Request): boolean {
  return plan.byHand !== undefined && result?.report.items.length === 0;
}

async function lookAfter(request: Request, site: Site): Promise<Step> {
  const report = await recoverSafely(request, site, controlOf(request, site));
  return toVerifying(request, report, site);
}

function neverBegan({ clock }: Site): Step {
  const sentence = 'dbconn was interrupted before it began; nothing was done.';
  const closing = { by: null, at: isoNow(clock), sentence, reason: null };
  return { state: 'failed', change: { closing } };
}

async function brokenOff(request: Request, site: Site): Promise<Step> {
  const report = await recoverSafely(request, site, controlOf(request, site));
  if (report.finished) return toVerifying(request, report, site);
  const later = readFullness(await site.look());
  const sentence =
    'dbconn was interrupted while this was running; this is what a look found afterwards.';
  const outcome = unknownOutcome(sentence, later);
  const result = { report, outcome, endedAt: isoNow(site.clock) };
  return { state: 'done', change: { result } };
}

import { readFullness, unknownOutcome } from '../verify/verify.ts';
import { verifyNow } from './execute.ts';
import { isoNow } from './iso-now.ts';
import { recoverSafely } from './recover-safely.ts';
import type { Request } from './request.ts';
import { controlOf } from './run-control.ts';
import { move } from './site.ts';
import type { Site, Step } from './site.ts';

/**
 * Ends a request that the process before this one left unfinished: its remedy finds out what is true, completes
 * or undoes what was half done, and says what a look cannot tell. Call it at start only, in the one
 * process of a journal that executes: a request that another process is executing looks the same.
 */
export async function resumeRequest(request: Request, site: Site): Promise<Request> {
  if (request.state === 'verifying') return verifyNow(request, site);
  if (request.state !== 'approved' && request.state !== 'executing') return request;
  const step = request.state === 'approved' ? neverBegan(site) : await brokenOff(request, site);
  const moved = await move(request, site, step);
  if (moved !== 'changed' && moved !== 'busy') return moved;
  return (await site.journal.read(request.id)) ?? request;
}

function neverBegan({ clock }: Site): Step {
  const sentence = 'dbconn ended before it began; nothing was done.';
  const closing = { by: null, at: isoNow(clock), sentence, reason: null };
  return { state: 'failed', change: { closing } };
}

async function brokenOff(request: Request, site: Site): Promise<Step> {
  const report = await recoverSafely(request, site, controlOf(request, site));
  const later = readFullness(await site.look());
  const sentence = 'dbconn ended while this was running; this is what a look found afterwards.';
  const outcome = unknownOutcome(sentence, later);
  const result = { report, outcome, endedAt: isoNow(site.clock) };
  return { state: 'done', change: { result } };
}

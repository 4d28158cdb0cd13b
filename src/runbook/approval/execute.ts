import { ActingUnavailable } from '../remedies/acting-unavailable.ts';
import type { Recheck, Remedy } from '../remedies/remedy.ts';
import type { Report } from '../remedies/report.ts';
import { aimOf, countFor } from '../verify/aim.ts';
import { readHoldings } from '../verify/refill.ts';
import { readFullness } from '../verify/verify.ts';
import { readWitnesses } from '../verify/witnesses.ts';
import { checkVotes } from './check-votes.ts';
import { readCooling } from './cooldown.ts';
import { readStop } from './emergency-stop.ts';
import { isoNow } from './iso-now.ts';
import { JournalUnavailable } from './journal-unavailable.ts';
import { mustBeTrue } from './must-be-true.ts';
import { recoverSafely } from './recover-safely.ts';
import type { Request } from './request.ts';
import { controlOf } from './run-control.ts';
import { mayLock } from './shared-lock.ts';
import { move, mustMove } from './site.ts';
import type { Site, Step } from './site.ts';

type Execution = NonNullable<Request['execution']>;

/** More would make the stored request grow with the server; the counts tell the rest. */
export const sparedShown = 50;

/**
 * Runs an approved request: holds the plan against reality, runs what is left of it, and looks. Returns it as
 * `verifying`, or `failed` or `stale` when nothing was done. Throws JournalUnavailable when it cannot be
 * recorded any more; what happened until then is found out by `finishRequest`, in whoever takes it over.
 */
export async function execute(approved: Request, site: Site): Promise<Request> {
  const execution = await lookBefore(approved, site);
  const truth = await mustBeTrue(site, approved.target);
  if (!truth.ok) return fail(approved, site, `Nothing was done: ${truth.refusal.why}`);
  if ((await readStop(site)) !== undefined) {
    return fail(approved, site, 'All changes were stopped before it began.');
  }
  const executing = await move(approved, site, { state: 'executing', change: { execution } });
  if (executing === 'changed') return (await site.journal.read(approved.id)) ?? approved;
  if (executing === 'busy') {
    return fail(approved, site, 'Another change began on this target first; nothing was done.');
  }
  const locked = await mayLock(site, executing, ['executing']);
  if (!locked.ok) return fail(executing, site, `Nothing was done: ${locked.refusal.why}`);
  // Another request for the same may have run between the last vote and this moment.
  if ((await readCooling(site, executing)) !== undefined) {
    return fail(executing, site, 'The same was done here only just now; nothing was done.');
  }
  const held = await holdAgainstReality(executing, site);
  return 'ended' in held ? held.ended : run(executing, held, site);
}

/** What it was like, for the outcome. */
export async function lookBefore({ plan }: Request, { look, clock }: Site): Promise<Execution> {
  const snapshot = await look();
  return {
    startedAt: isoNow(clock),
    left: 0,
    spared: [],
    before: readFullness(snapshot),
    after: null,
    holdings: { before: readHoldings(snapshot), after: [] },
    aimedAt: { before: countFor(aimOf(plan.ask), snapshot), after: null },
    witnesses: readWitnesses(snapshot),
  };
}

/** What is left of the plan, or the request as it ended because that is too little. */
export async function holdAgainstReality(
  request: Request,
  site: Site,
): Promise<Recheck | { readonly ended: Request }> {
  const uncounted = await checkVotes(site, request);
  if (uncounted !== undefined) return { ended: await outOfDate(request, site, uncounted) };
  const recheck = await recheckPlan(request, site.remedy);
  if (typeof recheck === 'string') return { ended: await fail(request, site, recheck) };
  const { length: planned } = request.plan.targets;
  const { length: left } = recheck.left;
  if (left > 0 && left >= planned * site.policy.leastShareLeft) return recheck;
  const sentence = `Only ${left} of ${planned} targets are still as approved; nothing was done.`;
  return { ended: await outOfDate(request, site, sentence) };
}

async function recheckPlan({ plan }: Request, remedy: Remedy): Promise<Recheck | string> {
  try {
    return await remedy.recheck(plan);
  } catch (error) {
    if (!(error instanceof ActingUnavailable)) throw error;
    return `Nothing was done: ${error.message}`;
  }
}

async function run(request: Request, { left, spared }: Recheck, site: Site): Promise<Request> {
  const begun = {
    ...executionOf(request),
    left: left.length,
    spared: spared.slice(0, sparedShown),
  };
  const running = await mustMove(request, site, {
    state: 'executing',
    change: { execution: begun },
  });
  const report = await runRemedy(running, left, site);
  return mustMove(running, site, await toVerifying(running, report, site));
}

/** The change is over: what the look right after it shows. */
export async function toVerifying(
  request: Request,
  report: Report,
  { look, clock }: Site,
): Promise<Step> {
  const endedAt = isoNow(clock);
  const snapshot = await look();
  const execution = executionOf(request);
  const holdings = { before: execution.holdings?.before ?? [], after: readHoldings(snapshot) };
  const aimedAt = {
    before: execution.aimedAt?.before ?? null,
    after: countFor(aimOf(request.plan.ask), snapshot),
  };
  return {
    state: 'verifying',
    change: {
      execution: { ...execution, after: readFullness(snapshot), holdings, aimedAt },
      result: { report, outcome: null, endedAt },
    },
  };
}

/** A remedy that breaks off has still changed something: what, is found out by looking. */
async function runRemedy(request: Request, left: Recheck['left'], site: Site): Promise<Report> {
  const control = controlOf(request, site);
  try {
    return await site.remedy.run(request.plan, left, control);
  } catch (error) {
    if (error instanceof JournalUnavailable) throw error;
    const isExpected = error instanceof ActingUnavailable;
    if (!isExpected) site.onFault(request.id, error);
    const found = await recoverSafely(request, site, control);
    const why = isExpected ? error.message : 'A fault of dbconn; see its log.';
    return { ...found, finished: false, summary: `It broke off. ${why} ${found.summary}` };
  }
}

/** Nothing was done, and the same is asked for again. */
async function outOfDate(request: Request, site: Site, sentence: string): Promise<Request> {
  const closing = { by: null, at: isoNow(site.clock), sentence, reason: null };
  return mustMove(request, site, { state: 'stale', change: { closing } });
}

export async function fail(request: Request, site: Site, sentence: string): Promise<Request> {
  const closing = { by: null, at: isoNow(site.clock), sentence, reason: null };
  return mustMove(request, site, { state: 'failed', change: { closing } });
}

export function executionOf({ execution }: Request): Execution {
  if (execution === null) throw new Error('This request has not begun.');
  return execution;
}

import { PrivilegedUnavailable } from '../remedies/acting-unavailable.ts';
import type { Recheck, Remedy } from '../remedies/remedy.ts';
import type { Report } from '../remedies/report.ts';
import { aimOf, countFor } from '../approvals/verify/aim.ts';
import { readHoldings } from '../verify/refill.ts';
import { readFullness } from '../verify/verify.ts';
import { readWitnesses } from '../approvals/verify/witnesses.ts';
import { checkVotes } from './check-votes.ts';
import { readCooling } from './cooldown.ts';
import { readStop } from '../approvals/emergency-stop.ts';
import { isoNow } from './iso-now.ts';
import { JournalUnavailable } from './journal-unavailable.ts';
import { mustBeTrue } from './must-be-true.ts';
import { recoverSafely } from './recover-safely.ts';
import type { ApprovalRequest } from './request.ts';
import { controlOf } from './run-control.ts';
import { mayLock } from './shared-lock.ts';
import { move, mustMove } from './site.ts';
import type { ExecutionContext, Step } from './site.ts';

type Execution = NonNullable<ApprovalRequest['execution']>;

/** More would make the stored request grow with the server; the counts tell the rest. */
export const skippedShown = 50;

/**
 * Runs an approved request: holds the plan against reality, runs what is left of it, and looks. Returns it as
 * `verifying`, or `failed` or `stale` when nothing was done. Throws JournalUnavailable when it cannot be
 * recorded any more; what happened until then is found out by `finishRequest`, in whoever takes it over.
 */
export async function execute(
  approved: ApprovalRequest,
  context: ExecutionContext,
): Promise<ApprovalRequest> {
  const execution = await snapshotBefore(approved, context);
  const truth = await mustBeTrue(context, approved.target);
  if (!truth.ok) return fail(approved, context, `Nothing was done: ${truth.refusal.why}`);
  if ((await readStop(context)) !== undefined) {
    return fail(approved, context, 'All changes were stopped before it began.');
  }
  const executing = await move(approved, context, { state: 'executing', change: { execution } });
  if (executing === 'changed') return (await context.journal.read(approved.id)) ?? approved;
  if (executing === 'busy') {
    return fail(approved, context, 'Another change began on this target first; nothing was done.');
  }
  const locked = await mayLock(context, executing, ['executing']);
  if (!locked.ok) return fail(executing, context, `Nothing was done: ${locked.refusal.why}`);
  // Another request for the same may have run between the last vote and this moment.
  if ((await readCooling(context, executing)) !== undefined) {
    return fail(executing, context, 'The same was done here only just now; nothing was done.');
  }
  const rechecked = await checkAgainstReality(executing, context);
  return 'ended' in rechecked ? rechecked.ended : run(executing, rechecked, context);
}

/** What it was like, for the outcome. */
export async function snapshotBefore(
  { plan }: ApprovalRequest,
  { takeSnapshot, clock }: ExecutionContext,
): Promise<Execution> {
  const snapshot = await takeSnapshot();
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
export async function checkAgainstReality(
  request: ApprovalRequest,
  context: ExecutionContext,
): Promise<Recheck | { readonly ended: ApprovalRequest }> {
  const uncounted = await checkVotes(context, request);
  if (uncounted !== undefined) return { ended: await outOfDate(request, context, uncounted) };
  const recheck = await recheckPlan(request, context.remedy);
  if (typeof recheck === 'string') return { ended: await fail(request, context, recheck) };
  const { length: planned } = request.plan.targets;
  const { length: left } = recheck.left;
  if (left > 0 && left >= planned * context.policy.leastShareLeft) return recheck;
  const sentence = `Only ${left} of ${planned} targets are still as approved; nothing was done.`;
  return { ended: await outOfDate(request, context, sentence) };
}

async function recheckPlan({ plan }: ApprovalRequest, remedy: Remedy): Promise<Recheck | string> {
  try {
    return await remedy.recheck(plan);
  } catch (error) {
    if (!(error instanceof PrivilegedUnavailable)) throw error;
    return `Nothing was done: ${error.message}`;
  }
}

async function run(
  request: ApprovalRequest,
  { left, spared }: Recheck,
  context: ExecutionContext,
): Promise<ApprovalRequest> {
  const begun = {
    ...executionOf(request),
    left: left.length,
    spared: spared.slice(0, skippedShown),
  };
  const running = await mustMove(request, context, {
    state: 'executing',
    change: { execution: begun },
  });
  const report = await runRemedy(running, left, context);
  return mustMove(running, context, await toVerifying(running, report, context));
}

/** The change is over: what the look right after it shows. */
export async function toVerifying(
  request: ApprovalRequest,
  report: Report,
  { takeSnapshot, clock }: ExecutionContext,
): Promise<Step> {
  const endedAt = isoNow(clock);
  const snapshot = await takeSnapshot();
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
async function runRemedy(
  request: ApprovalRequest,
  left: Recheck['left'],
  context: ExecutionContext,
): Promise<Report> {
  const control = controlOf(request, context);
  try {
    return await context.remedy.run(request.plan, left, control);
  } catch (error) {
    if (error instanceof JournalUnavailable) throw error;
    const isExpected = error instanceof PrivilegedUnavailable;
    if (!isExpected) context.onFault(request.id, error);
    const found = await recoverSafely(request, context, control);
    const why = isExpected ? error.message : 'A fault of dbconn; see its log.';
    return { ...found, finished: false, summary: `It broke off. ${why} ${found.summary}` };
  }
}

/** Nothing was done, and the same is asked for again. */
async function outOfDate(
  request: ApprovalRequest,
  context: ExecutionContext,
  sentence: string,
): Promise<ApprovalRequest> {
  const closing = { by: null, at: isoNow(context.clock), sentence, reason: null };
  return mustMove(request, context, { state: 'stale', change: { closing } });
}

export async function fail(
  request: ApprovalRequest,
  context: ExecutionContext,
  sentence: string,
): Promise<ApprovalRequest> {
  const closing = { by: null, at: isoNow(context.clock), sentence, reason: null };
  return mustMove(request, context, { state: 'failed', change: { closing } });
}

export function executionOf({ execution }: ApprovalRequest): Execution {
  if (execution === null) throw new Error('This request has not begun.');
  return execution;
}

import { isoNow } from '../../timing.ts';
import { PrivilegedUnavailable } from '../remedies/remedy.ts';
import type { Recheck, Remedy, Report } from '../remedies/remedy.ts';
import { move, mustMove } from './context.ts';
import type { ExecutionContext, Step } from './context.ts';
import { readStop } from './emergency-stop.ts';
import { JournalUnavailable } from './journal.ts';
import { mayLock, mustBeTrue, readCooling } from './may-run-now.ts';
import { mayBreakGlass, mayVote } from './permissions.ts';
import type { Rules } from './permissions.ts';
import type { ApprovalRequest } from './request.ts';
import { controlOf, recoverSafely } from './run-control.ts';
import { aimOf, countFor } from './verify/aim.ts';
import { readFullness, readHoldings } from './verify/outcome.ts';
import { readWitnesses } from './verify/witnesses.ts';
import { count } from '../snapshot/words.ts';

/**
 * Whether the votes of a request still count, right before it runs: each voter is looked up once more, and judged as if
 * they voted now. Undefined if so, else a sentence without names.
 */
export async function checkVotes(
  rules: Rules,
  request: ApprovalRequest,
): Promise<string | undefined> {
  const { brokenGlass, votes, votesNeeded } = request;
  if (brokenGlass !== null) {
    const may = await mayBreakGlass(rules, request, brokenGlass.by);
    return may.ok
      ? undefined
      : `The break-glass exception no longer counts: ${because(may.refusal.kind)}.`;
  }
  const judged = await Promise.all(
    votes.map(({ by }, index) => mayVote(rules, { ...request, votes: votes.slice(0, index) }, by)),
  );
  const counting = judged.filter(({ ok }) => ok).length;
  if (counting >= votesNeeded) return undefined;
  const index = judged.findIndex(({ ok }) => !ok);
  const first = judged[index];
  if (first === undefined || first.ok)
    return `It has ${counting} of ${count(votesNeeded, 'approval')}.`;
  const which = votes.length === 1 ? 'The approval' : `Approval ${index + 1} of ${votes.length}`;
  return `${which} no longer counts: ${because(first.refusal.kind)}. Nothing was done.`;
}

/** By the kind of refusal that the same person would meet now. */
const reasons: Readonly<Record<string, string>> = {
  'not-an-approver': 'that person is no longer an approver',
  'not-a-member': 'that person is no longer a full member of the workspace',
  'not-looked-up': 'that person could not be checked in Slack',
  'own-proposal': 'that person proposed it',
  'voted-already': 'that person approved it twice',
  'no-vote-here': 'it was not given in Slack',
};

function because(kind: string): string {
  return reasons[kind] ?? 'it would be refused now';
}

type Execution = NonNullable<ApprovalRequest['execution']>;

/** More would make the stored request grow with the server; the counts tell the rest. */
export const skippedShown = 50;

/**
 * Runs an approved request: holds the plan against reality, runs what is left of it, and looks. Returns it as
 * `verifying`, or `failed` or `stale` when nothing was done. Throws JournalUnavailable when it cannot be
 * recorded any more; what happened until then is found out by `finishRequest`, in the process that takes it over.
 */
export async function execute(
  approved: ApprovalRequest,
  context: ExecutionContext,
): Promise<ApprovalRequest> {
  const execution = await snapshotBefore(approved, context);
  const truth = await mustBeTrue(context, approved.target);
  if (!truth.ok) return fail(approved, context, `Nothing was done: ${truth.refusal.why}`);
  if ((await readStop(context)) !== undefined) {
    return fail(approved, context, 'All changes were stopped before it started.');
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
    return fail(executing, context, 'The same change just ran here, so nothing was done.');
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
    skipped: [],
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
  const sentence = `Only ${left} of ${count(planned, 'target')} ${left === 1 ? 'is' : 'are'} still as approved, so nothing was done.`;
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
  { left, skipped }: Recheck,
  context: ExecutionContext,
): Promise<ApprovalRequest> {
  const begun = {
    ...executionOf(request),
    left: left.length,
    skipped: skipped.slice(0, skippedShown),
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
    const why = isExpected ? error.message : 'dbconn failed: see its log.';
    return { ...found, finished: false, summary: `It was interrupted. ${why} ${found.summary}` };
  }
}

type EndUndone = (
  request: ApprovalRequest,
  context: ExecutionContext,
  sentence: string,
) => Promise<ApprovalRequest>;

function endAs(state: 'stale' | 'failed'): EndUndone {
  return (request, context, sentence) => {
    const closing = { by: null, at: isoNow(context.clock), sentence, reason: null };
    return mustMove(request, context, { state, change: { closing } });
  };
}

/** Nothing was done, and the same is asked for again. */
const outOfDate = endAs('stale');

/** Nothing was done. */
export const fail = endAs('failed');

export function executionOf({ execution }: ApprovalRequest): Execution {
  if (execution === null) throw new Error('This request has not begun.');
  return execution;
}

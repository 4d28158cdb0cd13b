import type { Plan } from '../../remedies/plan.ts';
import type { Report } from '../../remedies/remedy.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { mustMove } from '../context.ts';
import type { ExecutionContext } from '../context.ts';
import { executionOf } from '../execute.ts';
import { readAge } from '../may-run-now.ts';
import type { ApprovalRequest } from '../request.ts';
import { aimOf, countFor, judgeReport, judgeAimFigures } from './aim.ts';
import { findRefill, judgeOutcome, readFullness, readHoldings } from './outcome.ts';
import type { Fullness, HoldingsCheck, Outcome } from './outcome.ts';
import { applyWitnesses, readObservation } from './witnesses.ts';
import type { Observation } from './witnesses.ts';

/** Enough to tell a pool that came back at once from one that leaks. */
const mostChecks = 6;
/** Where the last one saw nothing: one check that fails is no reason not to know what came of it. */
const mostMore = 2;
/** A look takes up to 4 s where the server is in trouble. */
const leastPauseMs = 2000;

interface CheckAfterRun extends HoldingsCheck {
  readonly fullness: Fullness;
  readonly aimedAt: number | null;
  readonly observed: Observation;
  /** No client runs a statement or holds a transaction. */
  readonly isIdle: boolean;
}

/**
 * Looks several times until the time to verify is over, and ends the request with what came of it. Taken over from
 * another process, it goes on with the checks that are still due. Rejects when `context.signal` aborts.
 */
export async function verifyRequest(
  ran: ApprovalRequest,
  context: ExecutionContext,
): Promise<ApprovalRequest> {
  const { execution, result } = ran;
  if (execution === null || result === null) {
    throw new Error('A request cannot be verified before it ran.');
  }
  const checks: CheckAfterRun[] = [];
  for (const dueMs of checksDue(context.verifyAfterMs)) {
    const isLast = dueMs === context.verifyAfterMs;
    const waitMs = dueMs - (await readAge(context, ran, result.endedAt));
    if (waitMs < 0 && !isLast) continue;
    await context.clock.sleep(Math.max(0, waitMs), context.signal);
    checks.push(await takeCheck(ran, context, result.endedAt));
    if (hasRoomToSpare(ran, checks.at(-1), context)) break;
  }
  for (let more = 0; more < mostMore && checks.at(-1)?.fullness === null; more += 1) {
    await context.clock.sleep(context.verifyAfterMs / mostChecks, context.signal);
    checks.push(await takeCheck(ran, context, result.endedAt));
  }
  const outcome = withUnfinished(result.report, judge(ran, checks, context));
  return mustMove(ran, context, { state: 'done', change: { result: { ...result, outcome } } });
}

/** Option B is for more slots: once they are there and free, and nobody is at work who could take them, all is seen. */
function hasRoomToSpare(
  { plan, execution, result }: ApprovalRequest,
  check: CheckAfterRun | undefined,
  { warningUtilisation }: ExecutionContext,
): boolean {
  const [before, later] = [execution?.before ?? null, check?.fullness ?? null];
  if (plan.ask.kind !== 'raise-max-connections' || result?.report.finished !== true) return false;
  if (later === null || later === 'full' || before === null) return false;
  const isRaised = before === 'full' || later.usable > before.usable;
  return isRaised && check?.isIdle === true && later.used < later.usable * warningUtilisation;
}

/** Free slots do not make it fixed while what freed them lies half done, such as a service that does not start. */
function withUnfinished({ finished }: Report, outcome: Outcome): Outcome {
  return outcome.word === 'fixed' && !finished ? { ...outcome, word: 'partly' } : outcome;
}

function judge(
  ran: ApprovalRequest,
  checks: readonly CheckAfterRun[],
  context: ExecutionContext,
): Outcome {
  const { result } = ran;
  const execution = executionOf(ran);
  const last = checks.at(-1);
  const observed = { later: last?.fullness ?? null, laterAfterMs: last?.afterMs ?? 0 };
  if (aimOf(ran.plan.ask) === 'as-planned') {
    const { before, after } = execution;
    const { items, finished } = result?.report ?? { items: [], finished: false };
    return { ...judgeReport({ items, finished }), before, after, later: observed.later };
  }
  const { later, laterAfterMs } = observed;
  return applyWitnesses(judgeAim(ran, checks, context), {
    before: execution.witnesses ?? { pools: [], waits: null },
    checks: checks.map((check) => check.observed),
    settledAt: settledAt(result, laterAfterMs),
    service: serviceOf(ran.plan),
    hasRoom:
      later !== null && later !== 'full' && later.used < later.usable * context.warningUtilisation,
  });
}

/** By the one figure the change is to move. */
function judgeAim(
  ran: ApprovalRequest,
  checks: readonly CheckAfterRun[],
  context: ExecutionContext,
): Outcome {
  const { before, after, holdings, aimedAt } = executionOf(ran);
  const last = checks.at(-1);
  const observed = { later: last?.fullness ?? null, laterAfterMs: last?.afterMs ?? 0 };
  const aim = aimOf(ran.plan.ask);
  if (aim === 'waiters' || aim === 'slow-statements') {
    const figures = aimedAt ?? { before: null, after: null };
    const aimFigures = {
      ...figures,
      later: last?.aimedAt ?? null,
      laterAfterMs: observed.laterAfterMs,
    };
    return { ...judgeAimFigures(aim, aimFigures), before, after, later: observed.later };
  }
  // Where the check right after it saw nothing, the first that did stands in for it.
  const instead = after === null ? checks.find(({ fullness }) => fullness !== null) : undefined;
  const held = holdings ?? { before: [], after: [] };
  return judgeOutcome({
    ...observed,
    before,
    after: instead?.fullness ?? after,
    ...(instead !== undefined && { afterMs: instead.afterMs }),
    warningUtilisation: context.warningUtilisation,
    refill: findRefill({ ...held, after: instead?.holdings ?? held.after, checks }),
    allowed: connectionsAllowed(ran.plan),
  });
}

/** After two thirds of the time a request that waited since before the change has long given up. */
function settledAt(result: ApprovalRequest['result'], laterAfterMs: number): string {
  const endedAtMs = Date.parse(result?.endedAt ?? '');
  return new Date(endedAtMs + (laterAfterMs * 2) / 3).toISOString();
}

/** Whose pools the change is for. */
function serviceOf({ ask }: Plan): string | null {
  return ask.kind === 'restart' || ask.kind === 'resize-pool' ? ask.service : null;
}

/** How many more connections a resized pool may open than before; none where nobody knows what it was. */
function connectionsAllowed({ targets }: Plan): number {
  const pools = targets.filter((target) => target.kind === 'pool');
  const growths = pools.map(({ from, to, processes }) => {
    if (from === null) return 0;
    const each = to.poolSize + to.maxOverflow - (from.poolSize + from.maxOverflow);
    return Math.max(0, each) * processes;
  });
  return growths.reduce((sum, growth) => sum + growth, 0);
}

/** Moments since the change ended, evenly spaced; the last one is the end of the time. */
function checksDue(verifyAfterMs: number): number[] {
  const checks = Math.min(mostChecks, Math.max(1, Math.floor(verifyAfterMs / leastPauseMs)));
  return Array.from({ length: checks }, (_, index) => (verifyAfterMs * (index + 1)) / checks);
}

async function takeCheck(
  ran: ApprovalRequest,
  context: ExecutionContext,
  endedAt: string,
): Promise<CheckAfterRun> {
  const { id, plan } = ran;
  const snapshot = await context.takeSnapshot();
  const afterMs = await readAge(context, ran, endedAt);
  const fullness = readFullness(snapshot);
  await context.journal.record({ request: id, kind: 'looked', body: { afterMs, fullness } });
  const aimedAt = countFor(aimOf(plan.ask), snapshot);
  return {
    afterMs,
    fullness,
    aimedAt,
    holdings: readHoldings(snapshot),
    observed: readObservation(snapshot),
    isIdle: isIdle(snapshot),
  };
}

/** A snapshot without its list of sessions cannot tell. */
function isIdle({ database: { reading } }: Snapshot): boolean {
  if (reading === undefined || reading.lockManagerBusy !== undefined) return false;
  return reading.sessions.every(
    ({ state, own, backendType }) => own || backendType !== 'client backend' || state === 'idle',
  );
}

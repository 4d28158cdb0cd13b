import { hashPlan } from '../remedies/plan.ts';
import { readCooling } from './cooldown.ts';
import { readStop } from '../approvals/emergency-stop.ts';
import { fail, checkAgainstReality, snapshotBefore, skippedShown } from './execute.ts';
import { isoNow } from './iso-now.ts';
import { mustBeTrue } from './must-be-true.ts';
import { readOptionPolicy } from '../approvals/policy.ts';
import type { ApprovalRequest } from './request.ts';
import { mayChange } from './shared-lock.ts';
import { mustMove } from './site.ts';
import type { ExecutionContext } from './site.ts';

/**
 * Takes the look before and hands an approved plan to people: from here on its commands are shown. Runs nothing. Returns
 * it as `handed`, or `failed` or `stale` when nothing was shown.
 */
export async function handOver(
  approved: ApprovalRequest,
  context: ExecutionContext,
): Promise<ApprovalRequest> {
  const execution = await snapshotBefore(approved, context);
  const rechecked = await checkAgainstReality(approved, context);
  if ('ended' in rechecked) return rechecked.ended;
  // Asked last: what somebody did while the server was looked at counts.
  const truth = await mustBeTrue(context, approved.target);
  if (!truth.ok) return fail(approved, context, `No commands were shown: ${truth.refusal.why}`);
  const allowed = await mayChange(context, approved.target);
  if (!allowed.ok) return fail(approved, context, `No commands were shown: ${allowed.refusal.why}`);
  if ((await readStop(context)) !== undefined) {
    return fail(approved, context, 'All changes were stopped before its commands were shown.');
  }
  if ((await hashPlan(approved.plan)) !== approved.hash) {
    return fail(approved, context, 'The stored plan does not match the hash that was approved.');
  }
  if ((await readCooling(context, approved)) !== undefined) {
    return fail(approved, context, 'The same was done here only just now; no commands were shown.');
  }
  const { policy, clock } = context;
  const { expiresAfterMs = policy.expiresAfterMs } = readOptionPolicy(policy, approved.option);
  const { left, spared } = rechecked;
  return mustMove(approved, context, {
    state: 'handed',
    change: {
      execution: { ...execution, left: left.length, spared: spared.slice(0, skippedShown) },
      handOff: {
        shownAt: isoNow(clock),
        until: new Date(clock.now() + expiresAfterMs).toISOString(),
        ranBy: null,
      },
    },
  });
}

import { hashPlan } from '../remedies/plan.ts';
import { readCooling } from './cooldown.ts';
import { readStop } from './emergency-stop.ts';
import { fail, holdAgainstReality, lookBefore, sparedShown } from './execute.ts';
import { isoNow } from './iso-now.ts';
import { mustBeTrue } from './must-be-true.ts';
import { readOptionPolicy } from './policy.ts';
import type { Request } from './request.ts';
import { mayChange } from './shared-lock.ts';
import { mustMove } from './site.ts';
import type { Site } from './site.ts';

/**
 * Takes the look before and hands an approved plan to people: from here on its commands are shown. Runs nothing. Returns
 * it as `handed`, or `failed` or `stale` when nothing was shown.
 */
export async function handOver(approved: Request, site: Site): Promise<Request> {
  const execution = await lookBefore(approved, site);
  const held = await holdAgainstReality(approved, site);
  if ('ended' in held) return held.ended;
  // Asked last: what somebody did while the server was looked at counts.
  const truth = await mustBeTrue(site, approved.target);
  if (!truth.ok) return fail(approved, site, `No commands were shown: ${truth.refusal.why}`);
  const allowed = await mayChange(site, approved.target);
  if (!allowed.ok) return fail(approved, site, `No commands were shown: ${allowed.refusal.why}`);
  if ((await readStop(site)) !== undefined) {
    return fail(approved, site, 'All changes were stopped before its commands were shown.');
  }
  if ((await hashPlan(approved.plan)) !== approved.hash) {
    return fail(approved, site, 'The stored plan does not match the hash that was approved.');
  }
  if ((await readCooling(site, approved)) !== undefined) {
    return fail(approved, site, 'The same was done here only just now; no commands were shown.');
  }
  const { policy, clock } = site;
  const { expiresAfterMs = policy.expiresAfterMs } = readOptionPolicy(policy, approved.option);
  const { left, spared } = held;
  return mustMove(approved, site, {
    state: 'handed',
    change: {
      execution: { ...execution, left: left.length, spared: spared.slice(0, sparedShown) },
      handOff: {
        shownAt: isoNow(clock),
        until: new Date(clock.now() + expiresAfterMs).toISOString(),
        ranBy: null,
      },
    },
  });
}

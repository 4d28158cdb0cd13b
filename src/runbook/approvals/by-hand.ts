import { isoNow } from '../../timing.ts';
import { commandsOf } from '../remedies/by-hand/commands.ts';
import type { Commands } from '../remedies/by-hand/hand-off.ts';
import { hashPlan } from '../remedies/plan.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { mustMove } from './context.ts';
import type { ApprovalDeps, ExecutionContext } from './context.ts';
import { readStop } from './emergency-stop.ts';
import { checkAgainstReality, fail, skippedShown, snapshotBefore } from './execute.ts';
import { mayChange, mustBeTrue, readCooling } from './may-run-now.ts';
import { mayTakeHandOff } from './permissions.ts';
import { readOptionPolicy, underItsRules } from './policy.ts';
import { refuseClosed, refuseStopped, refuseUnknown } from './refusals.ts';
import type { ApprovalRequest } from './request.ts';
import { decideOn, expire, isOverdue } from './vote.ts';
import type { Click } from './vote.ts';

/** The commands of a request that was handed over; undefined before, and after. */
export function commandsFor({ state, plan, handOff }: ApprovalRequest): Commands | undefined {
  if (state !== 'handed' || handOff === null || plan.byHand === undefined) return undefined;
  return commandsOf(plan, plan.byHand, handOff.until);
}

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
    return fail(approved, context, 'The same change just ran here, so no commands were shown.');
  }
  const { policy, clock } = context;
  const { expiresAfterMs = policy.expiresAfterMs } = readOptionPolicy(policy, approved.option);
  const { left, skipped } = rechecked;
  return mustMove(approved, context, {
    state: 'handed',
    change: {
      execution: { ...execution, left: left.length, skipped: skipped.slice(0, skippedShown) },
      handOff: {
        shownAt: isoNow(clock),
        until: new Date(clock.now() + expiresAfterMs).toISOString(),
        ranBy: null,
      },
    },
  });
}

/**
 * Somebody says that they ran the commands. It is recorded as theirs, and what came of it is looked at as after any
 * change. Only the first word counts.
 */
export function ranByHand(
  ports: ApprovalDeps,
  { id, actor }: Click,
): Promise<Answer<ApprovalRequest>> {
  return decideOn(
    ports,
    () => findHanded(ports, id),
    async (request) => {
      const rules = await underItsRules(ports, request);
      const allowed = await mayTakeHandOff(rules, request, actor);
      if (!allowed.ok) return allowed;
      const truth = await mustBeTrue(ports, request.target);
      if (!truth.ok) return truth;
      const stop = await readStop(ports);
      if (stop !== undefined) return refuseStopped(stop);
      const ranBy = { by: actor, at: isoNow(ports.clock) };
      const shown = request.handOff ?? { shownAt: ranBy.at, until: ranBy.at };
      const report = { items: [], summary: 'It was run by hand.', finished: true };
      const result = { report, outcome: null, endedAt: ranBy.at };
      return done({
        state: 'verifying',
        change: { handOff: { ...shown, ranBy }, result },
        kind: 'ran-by-hand',
        body: { ...ranBy, hash: request.hash },
      });
    },
  );
}

/** Nothing is shown while changes are stopped: who reads it would run it. */
export async function showCommands(ports: ApprovalDeps, id: string): Promise<Answer<Commands>> {
  const found = await findHanded(ports, id);
  if (!found.ok) return found;
  const truth = await mustBeTrue(ports, found.value.target);
  if (!truth.ok) return truth;
  const stop = await readStop(ports);
  if (stop !== undefined) return refuseStopped(stop);
  const commands = commandsFor(found.value);
  return commands === undefined ? refuseClosed(found.value) : done(commands);
}

/** A request whose commands are shown. One whose time is over is closed on the way. */
async function findHanded(ports: ApprovalDeps, id: string): Promise<Answer<ApprovalRequest>> {
  const request = await ports.journal.read(id);
  if (request === undefined) return refuseUnknown();
  const { state, plan } = request;
  if (plan.byHand === undefined) {
    const why = 'dbconn runs this itself, so there is nothing to run by hand.';
    return refuse('not-by-hand', why, 'Its card shows each step.');
  }
  if (state === 'proposed') {
    const why = 'Its commands appear after approval.';
    return refuse('not-approved', why, 'Approve it on its card in Slack.');
  }
  if (state !== 'handed') return refuseClosed(request);
  if (!(await isOverdue(ports, request))) return done(request);
  return refuseClosed((await expire(ports, request)) ?? (await ports.journal.read(id)) ?? request);
}

import { isoNow } from '../../timing.ts';
import { hashPlan } from '../remedies/plan.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { ApprovalDeps } from './context.ts';
import { JournalTampered } from './journal.ts';
import { mayRunNow } from './may-run-now.ts';
import { mayBreakGlass, mayDeny, mayVote, mayWithdraw } from './permissions.ts';
import { readOptionPolicy, readPolicyOf, underItsRules } from './policy.ts';
import {
  refuseClosed,
  refuseContended,
  refuseReasonMissing,
  refuseTampered,
  refuseUnknown,
} from './refusals.ts';
import { advance, cleanReason, isExpired } from './request.ts';
import type { Actor, ApprovalRequest, RequestChange, RequestState, Vote } from './request.ts';

/** A request that can still be voted on. One whose time or rules are over is closed on the way, and refused. */
async function findOpen(ports: ApprovalDeps, id: string): Promise<Answer<ApprovalRequest>> {
  const { journal } = ports;
  const request = await journal.read(id);
  if (request === undefined) return refuseUnknown();
  if (request.state !== 'proposed') return refuseClosed(request);
  if (await isOverdue(ports, request)) {
    const expired = await expire(ports, request);
    return refuseClosed(expired ?? (await journal.read(id)) ?? request);
  }
  if ((await hashPlan(request.plan)) !== request.hash) return refuseTampered();
  if ((await readPolicyOf(ports, request)) === undefined) {
    const sentence = 'The approval rules changed after it was proposed.';
    const stale = await end(ports, request, { state: 'stale', by: null, sentence, reason: null });
    return refuseClosed(stale ?? (await journal.read(id)) ?? request);
  }
  return done(request);
}

/** What somebody's click makes of a request, and the entry that says so. */
interface Decision {
  readonly state: RequestState;
  readonly change: RequestChange;
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Each try more means that somebody else's click came between; there are not this many approvers. */
const mostTries = 20;

/** One person's decision about a request, made again where somebody else's came between. */
export async function decideOn(
  ports: ApprovalDeps,
  find: () => Promise<Answer<ApprovalRequest>>,
  decide: (request: ApprovalRequest) => Promise<Answer<Decision>>,
): Promise<Answer<ApprovalRequest>> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const found = await find();
    if (!found.ok) return found;
    const request = found.value;
    const { id, version } = request;
    const decided = await decide(request);
    if (!decided.ok) {
      // It may have been decided or changed while this person was looked up; that says more.
      if ((await ports.journal.read(id))?.version !== version) continue;
      return decided;
    }
    const { state, change, kind, body } = decided.value;
    const next = advance(request, state, change);
    if ((await ports.journal.move(version, next, { request: id, kind, body })) === 'moved') {
      ports.onChange(next);
      return done(next);
    }
  }
  return refuseContended();
}

/** By its card's time, and never later than it was to live, whatever somebody set a clock to. */
export async function isOverdue(
  { journal, clock }: Pick<ApprovalDeps, 'journal' | 'clock'>,
  request: ApprovalRequest,
): Promise<boolean> {
  const { state, proposedAt, expiresAt, handOff } = request;
  if (state !== 'proposed' && state !== 'handed') return false;
  if (isExpired(request, clock.now())) return true;
  const life = state === 'handed' ? handOff : { shownAt: proposedAt, until: expiresAt };
  const lifeMs = life === null ? 0 : Date.parse(life.until) - Date.parse(life.shownAt);
  const ageMs = await journal.readAgeMs(request.id, [state]);
  return ageMs !== undefined && ageMs >= lifeMs;
}

interface Ending extends Omit<NonNullable<ApprovalRequest['closing']>, 'at'> {
  readonly state: RequestState;
}

/** Closes a request that was not done. Undefined when somebody was quicker. */
async function end(
  ports: ApprovalDeps,
  request: ApprovalRequest,
  { state, ...ending }: Ending,
): Promise<ApprovalRequest | undefined> {
  const closing = { ...ending, at: isoNow(ports.clock) };
  const next = advance(request, state, { closing });
  const entry = { request: next.id, kind: state, body: closing };
  if ((await ports.journal.move(request.version, next, entry)) !== 'moved') return undefined;
  ports.onChange(next);
  return next;
}

export function expire(
  ports: ApprovalDeps,
  request: ApprovalRequest,
): Promise<ApprovalRequest | undefined> {
  const sentence =
    request.state === 'handed'
      ? 'No one confirmed in time that they ran it. dbconn did not run it.'
      : 'It was not approved in time.';
  return end(ports, request, { state: 'expired', by: null, sentence, reason: null });
}

/** Why it need not be decided any more, if so. What prevents the next incident, or takes a change back, is as right after this one. */
async function whyMoot(
  { isIncidentOver, removedTargets = [] }: ApprovalDeps,
  request: ApprovalRequest,
): Promise<string | undefined> {
  const { state, option, target, undoes } = request;
  if (state !== 'proposed') return undefined;
  if (removedTargets.includes(target)) {
    return 'Its target was removed from dbconn.yml, so dbconn withdrew this.';
  }
  if (option === 'prevention' || undoes !== null) return undefined;
  const isOver = (await isIncidentOver?.(request)) ?? false;
  return isOver ? 'The incident is over, so dbconn withdrew this.' : undefined;
}

async function withdrawMoot(
  ports: ApprovalDeps,
  request: ApprovalRequest,
): Promise<ApprovalRequest | undefined> {
  const sentence = await whyMoot(ports, request);
  if (sentence === undefined) return undefined;
  return end(ports, request, { state: 'withdrawn', by: null, sentence, reason: null });
}

/** Expires every request whose time is over, withdraws every one whose incident is, and returns them. */
export async function sweep(ports: ApprovalDeps): Promise<readonly ApprovalRequest[]> {
  const swept: ApprovalRequest[] = [];
  for (const request of await ports.journal.list(['proposed', 'handed'])) {
    try {
      const ended = (await isOverdue(ports, request))
        ? await expire(ports, request)
        : await withdrawMoot(ports, request);
      if (ended !== undefined) swept.push(ended);
    } catch (error) {
      // It stops its own target, and the watch on the journal says so; all others have their time as before.
      if (!(error instanceof JournalTampered)) throw error;
    }
  }
  return swept;
}

/** Who clicks or types, on which request, and what they wrote. */
export interface Click {
  readonly id: string;
  readonly actor: Actor;
  readonly reason: string | undefined;
}

/** Counts one vote. The request comes back `approved` to exactly one caller: whose vote was the last one needed. */
export function vote(
  ports: ApprovalDeps,
  { id, actor, reason }: Click,
): Promise<Answer<ApprovalRequest>> {
  const given = { by: actor, at: isoNow(ports.clock), reason: cleanReason(reason) };
  return decideOn(
    ports,
    () => findOpen(ports, id),
    async (request) => {
      const allowed = await mayCount(ports, request, given);
      if (!allowed.ok) return allowed;
      const votes = [...request.votes, given];
      const state = votes.length >= request.votesNeeded ? 'approved' : 'proposed';
      const body = { ...given, state, hash: request.hash };
      return done({ state, change: { votes }, kind: 'vote', body });
    },
  );
}

async function mayCount(
  deps: ApprovalDeps,
  request: ApprovalRequest,
  given: Vote,
): Promise<Answer<null>> {
  const ports = await underItsRules(deps, request);
  const allowed = await mayVote(ports, request, given.by);
  if (!allowed.ok) return allowed;
  if (readOptionPolicy(ports.policy, request.option).reasonRequired && given.reason === null) {
    return refuseReasonMissing();
  }
  return mayRunNow(ports, request);
}

/**
 * Runs a proposal without the votes it needs, where the configuration names the person and the option. It stands
 * in for the votes and for nothing else: a stop, an expiry, a changed plan and a cooldown hold as ever.
 */
export function breakGlass(
  ports: ApprovalDeps,
  { id, actor, reason }: Click,
): Promise<Answer<ApprovalRequest>> {
  return decideOn(
    ports,
    () => findOpen(ports, id),
    async (request) => {
      const allowed = await mayStandIn(ports, request, { actor, reason });
      if (!allowed.ok) return allowed;
      const brokenGlass = { by: actor, at: isoNow(ports.clock), reason: allowed.value };
      const body = { ...brokenGlass, hash: request.hash };
      return done({ state: 'approved', change: { brokenGlass }, kind: 'break-glass', body });
    },
  );
}

/** The reason as it is recorded. */
async function mayStandIn(
  deps: ApprovalDeps,
  request: ApprovalRequest,
  { actor, reason }: Omit<Click, 'id'>,
): Promise<Answer<string>> {
  const ports = await underItsRules(deps, request);
  const allowed = await mayBreakGlass(ports, request, actor);
  if (!allowed.ok) return allowed;
  const why = cleanReason(reason);
  if (why === null) return refuseUnexplained();
  const now = await mayRunNow(ports, request);
  return now.ok ? done(why) : now;
}

function refuseUnexplained(): ReturnType<typeof refuse> {
  const why = 'Running it without approvals needs a reason that everyone can read.';
  return refuse('reason-missing', why, 'Try again with a reason.');
}

/** A no: an approver's, or the proposer's own. One is enough. */
export function close(
  ports: ApprovalDeps,
  state: 'denied' | 'withdrawn',
  { id, actor, reason }: Click,
): Promise<Answer<ApprovalRequest>> {
  const sentence = state === 'denied' ? 'An approver denied it.' : 'The proposer withdrew it.';
  return decideOn(
    ports,
    () => findOpen(ports, id),
    async (request) => {
      const rules = await underItsRules(ports, request);
      const allowed =
        state === 'denied'
          ? await mayDeny(rules, request, actor)
          : mayWithdraw(rules.policy, request, actor);
      if (!allowed.ok) return allowed;
      const ending = { by: actor, sentence, reason: cleanReason(reason) };
      const closing = { ...ending, at: isoNow(ports.clock) };
      return done({ state, change: { closing }, kind: state, body: closing });
    },
  );
}

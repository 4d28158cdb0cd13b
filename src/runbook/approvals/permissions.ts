import { actionOf, nameOf } from '../remedies/remedy-request.ts';
import type { RemedyRequest } from '../remedies/remedy-request.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { capital, count } from '../snapshot/words.ts';
import type { Lookup, People } from './people.ts';
import { checkMembership, isSamePerson, mentions, refuseUnread } from './people.ts';
import { canReach, readOptionPolicy, slackIdOf, votesNeeded } from './policy.ts';
import type { Policy } from './policy.ts';
import type { Actor, ApprovalRequest } from './request.ts';

/** Who may do what, decided again at every click. */
export interface Rules {
  readonly policy: Policy;
  readonly people: People;
}

/** Whether this person may ask for this at all. */
export async function mayPropose(
  rules: Rules,
  ask: RemedyRequest,
  actor: Actor,
): Promise<Answer<null>> {
  const { policy } = rules;
  if (policy.readOnly) {
    return refuse('read-only', 'This dbconn is read-only.', 'Set approval.readOnly to false.');
  }
  const option = actionOf(ask);
  const { proposers, ...optionPolicy } = readOptionPolicy(policy, option);
  const votes = votesNeeded(policy, ask, actor);
  if (!canReach({ proposers, ...optionPolicy }, votes)) {
    const possible = new Set(optionPolicy.approvers).size;
    const needs = `${capital(nameOf(option))} needs ${count(votes, 'approval')} and has ${count(possible, 'approver')} configured.`;
    const fix = `Add approvers in dbconn.yml: approval.${option}.approve.`;
    return refuse('no-approvers', needs, fix);
  }
  // The terminal proposes for people who have the machine already; its proposal still needs votes from Slack.
  if (actor.via === 'terminal' || proposers.length === 0) return done(null);
  return mustBeAmong(rules, actor, {
    named: proposers,
    kind: 'not-a-proposer',
    why: `You may not propose ${nameOf(option)}.`,
  });
}

/** Whether this person's vote counts for this request. */
export async function mayVote(
  rules: Rules,
  request: ApprovalRequest,
  actor: Actor,
): Promise<Answer<null>> {
  const { approvers } = readOptionPolicy(rules.policy, request.option);
  if (actor.via !== 'slack') {
    return refuse(
      'no-vote-here',
      'Approvals count only in Slack, where dbconn knows who approves.',
      `Ask ${mentions(approvers)} to approve it in Slack.${exceptionFor(rules.policy, request, actor)}`,
    );
  }
  const among = await mayDecide(rules, request, actor);
  if (!among.ok) return among;
  const own = await refuseOwn(rules, request, actor);
  if (!own.ok) return own;
  const voted = await isOneOf(
    rules,
    actor,
    request.votes.map(({ by }) => by),
  );
  if (!voted.ok) return unread('Whether you already approved it', voted);
  if (!voted.value) return done(null);
  const missing = request.votesNeeded - request.votes.length;
  return refuse(
    'voted-already',
    `You already approved it. ${count(missing, 'more approval is', 'more approvals are')} needed.`,
    `Ask ${mentions(approvers.filter((id) => !hasVoted(request, id)))}.`,
  );
}

/** Approvers, and the terminal, whose hands are on the machine anyway, may say no. */
export async function mayDeny(
  rules: Rules,
  request: ApprovalRequest,
  actor: Actor,
): Promise<Answer<null>> {
  if (actor.via === 'terminal') return done(null);
  const among = await mayDecide(rules, request, actor);
  if (among.ok || among.refusal.kind !== 'not-an-approver') return among;
  const why = `You are not an approver of ${nameOf(request.option)}, so you cannot deny it.`;
  return refuse('not-an-approver', why, 'Anyone can stop all changes with /dbconn stop.');
}

/** Whether this person may take a proposal back. */
export function mayWithdraw(
  policy: Policy,
  { proposedBy }: ApprovalRequest,
  actor: Actor,
): Answer<null> {
  if (isProposer(policy, proposedBy, actor)) return done(null);
  const why = 'Only the person who proposed it can withdraw it.';
  return refuse('not-the-proposer', why, 'An approver can deny it.');
}

/**
 * Whether this person may say that they ran it by hand: an approver, or who proposed it. Of the terminal's users those
 * whom the configuration names as one of these; nobody there can be looked up.
 */
export async function mayTakeHandOff(
  rules: Rules,
  { option, proposedBy, brokenGlass }: ApprovalRequest,
  actor: Actor,
): Promise<Answer<null>> {
  const { policy } = rules;
  const { approvers } = readOptionPolicy(policy, option);
  const others = [proposedBy, ...(brokenGlass === null ? [] : [brokenGlass.by])];
  const ids = others.map((other) => slackIdOf(policy, other)).filter((id) => id !== undefined);
  const named = [...new Set([...approvers, ...ids])];
  const why = `Only an approver of ${nameOf(option)} or its proposer can confirm that they ran it.`;
  if (actor.via === 'slack') return mustBeAmong(rules, actor, { named, kind: notApprover, why });
  const slackId = slackIdOf(policy, actor);
  const brokeIt = brokenGlass?.by.id === actor.id && brokenGlass.by.via === actor.via;
  if (brokeIt || (slackId !== undefined && named.includes(slackId))) return done(null);
  return refuse(notApprover, why, askOf(named));
}

/** Whether this person may lift an emergency stop. Setting one is open to everybody. */
export async function mayGo(rules: Rules, actor: Actor): Promise<Answer<null>> {
  const { options } = rules.policy;
  const approvers = Object.values(options).flatMap((option) => option.approvers);
  const why = 'Only an approver in Slack can resume changes.';
  const named = [...new Set(approvers)];
  if (actor.via === 'slack') return mustBeAmong(rules, actor, { named, kind: notApprover, why });
  return refuse(notApprover, why, askOf(named));
}

/** Whether this person may run this request without the votes it needs. */
export async function mayBreakGlass(
  rules: Rules,
  { option }: ApprovalRequest,
  actor: Actor,
): Promise<Answer<null>> {
  const { users, terminal, actions } = rules.policy.breakGlass;
  const kind = 'no-break-glass';
  if (!actions.includes(option)) {
    const why = `${capital(nameOf(option))} cannot run without approvals.`;
    return refuse(kind, why, 'See approval.breakGlass.actions in dbconn.yml for what can.');
  }
  const why = 'You may not run it without approvals.';
  if (actor.via === 'slack') return mustBeAmong(rules, actor, { named: users, kind, why });
  if (actor.via === 'terminal' && terminal.includes(actor.id)) return done(null);
  return refuse(kind, why, 'See approval.breakGlass in dbconn.yml for who may.');
}

/** The way that is left to somebody at the terminal, where the configuration gives them one. */
function exceptionFor(
  { breakGlass }: Policy,
  { id, option }: ApprovalRequest,
  actor: Actor,
): string {
  const { terminal, actions } = breakGlass;
  const isNamed = actor.via === 'terminal' && terminal.includes(actor.id);
  if (!isNamed || !actions.includes(option)) return '';
  return ` If nobody answers: dbconn approve ${id} --break-glass --reason "why".`;
}

const notApprover = 'not-an-approver';

function mayDecide(rules: Rules, { option }: ApprovalRequest, actor: Actor): Promise<Answer<null>> {
  return mustBeAmong(rules, actor, {
    named: readOptionPolicy(rules.policy, option).approvers,
    kind: notApprover,
    why: `You are not an approver of ${nameOf(option)}.`,
  });
}

interface Circle {
  readonly named: readonly string[];
  readonly kind: string;
  readonly why: string;
}

async function mustBeAmong(
  { people }: Rules,
  actor: Actor,
  { named, kind, why }: Circle,
): Promise<Answer<null>> {
  if (actor.via !== 'slack') return refuse(kind, why, askOf(named));
  const membership = await checkMembership(people, actor.id, named);
  switch (membership.kind) {
    case 'among':
      return done(null);
    case 'refused':
      return { ok: false, refusal: membership.refusal };
    default:
      return refuse(kind, `${why}${membership.note}`, askOf(named));
  }
}

async function refuseOwn(
  rules: Rules,
  request: ApprovalRequest,
  actor: Actor,
): Promise<Answer<null>> {
  const { approvers, proposerMayVote } = readOptionPolicy(rules.policy, request.option);
  if (proposerMayVote) return done(null);
  const isOwn = await isSamePerson(rules, actor, request.proposedBy);
  if (!isOwn.ok) return unread('Whether you proposed this', isOwn);
  if (!isOwn.value) return done(null);
  const others = approvers.filter((id) => id !== actor.id);
  return refuse(
    'own-proposal',
    'You proposed this, so somebody else has to approve it.',
    others.length === 0 ? 'Add a second approver in dbconn.yml.' : `Ask ${mentions(others)}.`,
  );
}

async function isOneOf(
  rules: Rules,
  actor: Actor,
  others: readonly Actor[],
): Promise<Lookup<boolean>> {
  const found = await Promise.all(others.map((other) => isSamePerson(rules, actor, other)));
  const isAny = found.some((one) => one.ok && one.value);
  return found.find((one) => !one.ok && !isAny) ?? { ok: true, value: isAny };
}

function unread(what: string, lookup: Extract<Lookup<never>, { ok: false }>): Answer<null> {
  return { ok: false, refusal: refuseUnread(`${what} could not be checked`, lookup) };
}

/** By whatever entrance they proposed it. Nothing is looked up: to withdraw does no harm. */
function isProposer(policy: Policy, proposedBy: Actor, actor: Actor): boolean {
  if (proposedBy.id === actor.id && proposedBy.via === actor.via) return true;
  const proposer = slackIdOf(policy, proposedBy);
  return proposer !== undefined && proposer === slackIdOf(policy, actor);
}

function hasVoted({ votes }: ApprovalRequest, id: string): boolean {
  return votes.some(({ by }) => by.id === id);
}

function askOf(named: readonly string[]): string {
  return named.length === 0 ? 'No one is configured for this.' : `Ask ${mentions(named)}.`;
}

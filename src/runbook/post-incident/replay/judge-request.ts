import { isGroup, readOptionPolicy, slackIdOf, votesNeeded } from '../../approvals/policy.ts';
import type { OptionPolicy, Policy } from '../../approvals/policy.ts';
import type { Actor } from '../../approval/actor.ts';
import type { ApprovalRequest } from '../../approval/request.ts';
import { hashPlan } from '../../remedies/plan.ts';
import { differ } from './compare-diagnoses.ts';
import type { Difference } from './replay.ts';

/**
 * What the rules of a policy would decide otherwise about a request. Who is in a user group is known only to Slack, so
 * where an option names one, everybody is given the benefit of the doubt.
 */
export async function judgeRequest(
  request: ApprovalRequest,
  policy: Policy,
): Promise<Difference[]> {
  const { ask, hash, plan, proposedBy, option } = request;
  const rules = readOptionPolicy(policy, option);
  const { proposers } = rules;
  const mayPropose = proposers.length === 0 || isAmong(proposers, proposedBy);
  return [
    ...differ('plan-hash', hash, await hashPlan(plan)),
    ...(policy.readOnly || !mayPropose ? differ('proposer', proposedBy.id, null) : []),
    ...differ('votes-needed', request.votesNeeded, votesNeeded(policy, ask, proposedBy)),
    ...request.votes
      .filter(({ by }) => !countsToday(policy, rules, { by, proposedBy }))
      .map(({ by }): Difference => ({ what: 'vote', sealed: by.id, today: null })),
    ...compareExpiry(request, rules.expiresAfterMs ?? policy.expiresAfterMs),
    ...compareBreakGlass(request, policy),
  ];
}

function countsToday(
  policy: Policy,
  { approvers, proposerMayVote }: OptionPolicy,
  { by, proposedBy }: { readonly by: Actor; readonly proposedBy: Actor },
): boolean {
  const isProposer = slackIdOf(policy, proposedBy) === by.id;
  return isAmong(approvers, by) && (proposerMayVote || !isProposer);
}

/** The terminal proposes for whoever has the machine already. */
function isAmong(named: readonly string[], { id, via }: Actor): boolean {
  return via !== 'slack' || named.includes(id) || named.some(isGroup);
}

function compareExpiry(request: ApprovalRequest, expiresAfterMs: number): Difference[] {
  const { proposedAt, expiresAt, state, votes } = request;
  const sealedMs = Date.parse(expiresAt) - Date.parse(proposedAt);
  const isLate = votes.some(({ at }) => Date.parse(at) - Date.parse(proposedAt) >= expiresAfterMs);
  const wouldLive = state === 'expired' && expiresAfterMs > sealedMs;
  return isLate || wouldLive
    ? differ('expiry', toSeconds(sealedMs), toSeconds(expiresAfterMs))
    : [];
}

function toSeconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

function compareBreakGlass({ brokenGlass, option }: ApprovalRequest, policy: Policy): Difference[] {
  if (brokenGlass === null) return [];
  const { by } = brokenGlass;
  const { users, terminal, actions } = policy.breakGlass;
  const named = by.via === 'slack' ? users : terminal;
  const may = actions.includes(option) && named.includes(by.id);
  return may ? [] : differ('break-glass', by.id, null);
}

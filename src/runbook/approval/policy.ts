import type { Action } from '../remedies/action.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { hashJson } from '../remedies/plan.ts';
import type { Actor, Request } from './request.ts';

/** Who may do what. Slack user ids; display names and e-mail addresses can be changed by their owners. */
export interface Policy {
  readonly options: Readonly<Partial<Record<Action, OptionPolicy>>>;
  /** From proposing to the last vote. */
  readonly expiresAfterMs: number;
  /** An installation that only looks: every proposal is refused. */
  readonly readOnly: boolean;
  /** Below this share of the approved targets the plan is another one, and is asked for again. 0-1. */
  readonly leastShareLeft: number;
}

export interface OptionPolicy {
  /** Empty: anybody may propose. */
  readonly proposers: readonly string[];
  /** Empty: nobody, and so it cannot run. */
  readonly approvers: readonly string[];
  readonly votes: number;
  readonly proposerMayVote: boolean;
  readonly reasonRequired: boolean;
}

/** What holds for an option where the configuration does not say otherwise. Nobody may approve. */
export const defaultOptionPolicy: OptionPolicy = {
  proposers: [],
  approvers: [],
  votes: 1,
  proposerMayVote: false,
  reasonRequired: false,
};

export const defaultPolicy: Policy = {
  options: {},
  expiresAfterMs: 15 * 60_000,
  readOnly: false,
  leastShareLeft: 0.5,
};

/** Changes whenever the policy does. Part of every plan, so that no vote outlives the rules it was given under. */
export function policyVersion(policy: Policy): Promise<string> {
  return hashJson(policy);
}

export function readOptionPolicy(policy: Policy, option: Action): OptionPolicy {
  return policy.options[option] ?? defaultOptionPolicy;
}

/** Whether this person may ask for this option at all. */
export function mayPropose(policy: Policy, option: Action, actor: Actor): Answer<null> {
  if (policy.readOnly) {
    return refuse('read-only', 'This dbconn only looks.', 'Set approval.readOnly to false.');
  }
  const { proposers, approvers, votes } = readOptionPolicy(policy, option);
  const possible = new Set(approvers).size;
  if (possible < votes) {
    return refuse(
      'no-approvers',
      `Option ${option} needs ${votes} ${votes === 1 ? 'vote' : 'votes'} and has ${possible} approvers configured.`,
      `Name approvers in dbconn.yml: approval.${option}.approve.`,
    );
  }
  // The terminal proposes for whoever has the machine already; its proposal still needs a vote from Slack.
  if (actor.via === 'terminal' || proposers.length === 0 || proposers.includes(actor.id)) {
    return done(null);
  }
  return refuse(
    'not-a-proposer',
    `You may not propose option ${option}.`,
    `Ask ${mentions(proposers)}.`,
  );
}

/** Whether this person's vote counts for this request. */
export function mayVote(policy: Policy, request: Request, actor: Actor): Answer<null> {
  const { approvers, proposerMayVote } = readOptionPolicy(policy, request.option);
  if (actor.via !== 'slack') {
    return refuse(
      'no-vote-here',
      'A vote counts only from Slack, where it is known who gives it.',
      `Ask ${mentions(approvers)} to approve it in Slack.`,
    );
  }
  if (!approvers.includes(actor.id)) {
    return refuse(
      'not-an-approver',
      `You are not an approver of option ${request.option}.`,
      approvers.length === 0 ? 'Nobody is configured.' : `Ask ${mentions(approvers)}.`,
    );
  }
  const { proposedBy } = request;
  if (!proposerMayVote && proposedBy.via === 'slack' && proposedBy.id === actor.id) {
    const others = approvers.filter((id) => id !== actor.id);
    return refuse(
      'own-proposal',
      'You proposed this, so somebody else has to approve it.',
      others.length === 0 ? 'Name a second approver in dbconn.yml.' : `Ask ${mentions(others)}.`,
    );
  }
  if (request.votes.some(({ by }) => by.id === actor.id)) {
    const missing = request.votesNeeded - request.votes.length;
    return refuse(
      'voted-already',
      `You have voted already; ${missing} more ${missing === 1 ? 'vote is' : 'votes are'} needed.`,
      `Ask ${mentions(approvers.filter((id) => !hasVoted(request, id)))}.`,
    );
  }
  return done(null);
}

/** Approvers, and the terminal, whose hands are on the machine anyway, may say no. */
export function mayDeny(policy: Policy, request: Request, actor: Actor): Answer<null> {
  const { approvers } = readOptionPolicy(policy, request.option);
  if (actor.via === 'terminal' || approvers.includes(actor.id)) return done(null);
  return refuse(
    'not-an-approver',
    `You are not an approver of option ${request.option}, so you cannot deny it.`,
    'Anybody may stop all changes with /dbconn stop.',
  );
}

/** Whether this person may lift an emergency stop. Setting one is open to everybody. */
export function mayGo(policy: Policy, actor: Actor): Answer<null> {
  const approvers = new Set(Object.values(policy.options).flatMap((option) => option.approvers));
  if (actor.via === 'slack' && approvers.has(actor.id)) return done(null);
  return refuse(
    'not-an-approver',
    'Only an approver, in Slack, may let changes run again.',
    approvers.size === 0 ? 'Nobody is configured.' : `Ask ${mentions([...approvers])}.`,
  );
}

function hasVoted({ votes }: Request, id: string): boolean {
  return votes.some(({ by }) => by.id === id);
}

/** At most five, so that a refusal stays a sentence. Slack renders ids as names. */
function mentions(ids: readonly string[]): string {
  if (ids.length === 0) return 'somebody who may';
  const shown = ids.slice(0, 5).map((id) => `<@${id}>`);
  return ids.length > 5 ? `${shown.join(', ')} or another approver` : shown.join(' or ');
}

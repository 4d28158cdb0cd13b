import { z } from 'zod';
import { hashJson } from '../remedies/plan.ts';
import { Action, actionOf } from '../remedies/remedy-request.ts';
import type { RemedyRequest } from '../remedies/remedy-request.ts';
import type { Actor, ApprovalRequest } from './request.ts';

const names = z.array(z.string()).readonly();

const OptionPolicy = z.object({
  /** Persons and user groups. Empty: anybody may propose. */
  proposers: names,
  /** Persons and user groups. Empty: nobody, and so it cannot run. */
  approvers: names,
  votes: z.number(),
  /** For what changes a whole server rather than one of its roles. The higher of it and `votes` holds. */
  clusterWideVotes: z.number(),
  proposerMayVote: z.boolean(),
  reasonRequired: z.boolean(),
  expiresAfterMs: z.number().exactOptional(),
  /** Between the end of a run and the next one of the same kind on the same thing. 0 for none. */
  cooldownMs: z.number(),
});
export type OptionPolicy = Readonly<z.infer<typeof OptionPolicy>>;

/** The exception for the night when nobody answers. Off unless somebody and something is named. */
const BreakGlass = z.object({
  /** Slack user ids; no groups, because an exception has names. */
  users: names,
  /** Users of the operating system dbconn's terminal runs on. */
  terminal: names,
  actions: z.array(Action).readonly(),
});

/** Who may do what. Slack ids only; display names and e-mail addresses can be changed by their owners. */
export const Policy = z.object({
  options: z.partialRecord(Action, OptionPolicy).readonly(),
  /** From proposing to the last vote, where the option does not say otherwise. */
  expiresAfterMs: z.number(),
  /** An installation that only looks: every proposal is refused. */
  readOnly: z.boolean(),
  /** Below this share of the approved targets the plan is another one, and is asked for again. 0-1. */
  leastShareLeft: z.number(),
  /** Users of the operating system who propose at the terminal, and their Slack user ids. */
  terminalUsers: z.record(z.string(), z.string()).readonly(),
  breakGlass: BreakGlass.readonly(),
});
export type Policy = Readonly<z.infer<typeof Policy>>;

/** What holds where nothing else is said. Nobody may approve. */
const defaultOptionPolicy: OptionPolicy = {
  proposers: [],
  approvers: [],
  votes: 1,
  clusterWideVotes: 1,
  proposerMayVote: false,
  reasonRequired: false,
  cooldownMs: 0,
};

const minuteMs = 60_000;

/** Two people for what a whole server feels, and a pause long enough to see what the last run did. */
const defaultOptions: Readonly<Record<Action, OptionPolicy>> = {
  A: { ...defaultOptionPolicy, cooldownMs: 2 * minuteMs },
  B: { ...defaultOptionPolicy, votes: 2, cooldownMs: 10 * minuteMs },
  C: { ...defaultOptionPolicy, cooldownMs: 10 * minuteMs },
  D: { ...defaultOptionPolicy, cooldownMs: 2 * minuteMs },
  E: { ...defaultOptionPolicy, votes: 2, cooldownMs: 10 * minuteMs },
  prepared: { ...defaultOptionPolicy, votes: 2, cooldownMs: 2 * minuteMs },
  prevention: { ...defaultOptionPolicy, clusterWideVotes: 2, cooldownMs: 10 * minuteMs },
};

export const defaultPolicy: Policy = {
  options: {},
  expiresAfterMs: 15 * minuteMs,
  readOnly: false,
  leastShareLeft: 0.5,
  terminalUsers: {},
  breakGlass: { users: [], terminal: [], actions: [] },
};

/** Changes whenever the policy does. Part of every plan, so that votes count by the rules it was proposed under. */
export function policyVersion(policy: Policy): Promise<string> {
  return hashJson(policy);
}

/** The rules of now, and those that were in force before in this process. */
export interface Policies {
  readonly policy: Policy;
  readonly earlierPolicies?: readonly Policy[];
}

/**
 * The rules that a request was made under, as far as this process has had them; undefined where its rules are others, or
 * where nothing may be changed any more. Who may run it without votes has to be named by both, for that is for one alone.
 */
export async function readPolicyOf(
  { policy, earlierPolicies = [] }: Policies,
  { plan }: Pick<ApprovalRequest, 'plan'>,
): Promise<Policy | undefined> {
  if (plan.policyVersion === (await policyVersion(policy))) return policy;
  if (policy.readOnly) return undefined;
  for (const earlier of earlierPolicies) {
    if (plan.policyVersion !== (await policyVersion(earlier))) continue;
    return { ...earlier, breakGlass: inBoth(earlier.breakGlass, policy.breakGlass) };
  }
  return undefined;
}

function inBoth(one: Policy['breakGlass'], other: Policy['breakGlass']): Policy['breakGlass'] {
  return {
    users: one.users.filter((id) => other.users.includes(id)),
    terminal: one.terminal.filter((id) => other.terminal.includes(id)),
    actions: one.actions.filter((action) => other.actions.includes(action)),
  };
}

/** The same, with the rules of this request in place of those of now. */
export async function underItsRules<D extends Policies>(
  deps: D,
  request: Pick<ApprovalRequest, 'plan'>,
): Promise<D> {
  return { ...deps, policy: (await readPolicyOf(deps, request)) ?? deps.policy };
}

/** The rules of one option where the configuration says nothing of it: nobody may approve it. */
export function defaultPolicyOf(option: Action): OptionPolicy {
  return defaultOptions[option];
}

export function readOptionPolicy(policy: Policy, option: Action): OptionPolicy {
  return policy.options[option] ?? defaultPolicyOf(option);
}

/** The Slack user behind an actor, or undefined for a terminal's user whom the configuration does not name. */
export function slackIdOf({ terminalUsers }: Policy, { id, via }: Actor): string | undefined {
  if (via === 'slack') return id;
  return via === 'terminal' && Object.hasOwn(terminalUsers, id) ? terminalUsers[id] : undefined;
}

/**
 * How many different people must approve. One more where nobody knows who proposes: the person at the terminal
 * may be one of the approvers, and must not be the only one.
 */
export function votesNeeded(policy: Policy, ask: RemedyRequest, proposer: Actor): number {
  const option = readOptionPolicy(policy, actionOf(ask));
  const votes = isClusterWide(ask) ? Math.max(option.votes, option.clusterWideVotes) : option.votes;
  const isUnknown = proposer.via === 'terminal' && slackIdOf(policy, proposer) === undefined;
  return isUnknown && !option.proposerMayVote ? votes + 1 : votes;
}

function isClusterWide(ask: RemedyRequest): boolean {
  return ask.kind === 'set-timeout' && ask.role === null;
}

/** Whether that many votes can come together at all. A user group may hold any number of people. */
export function canReach({ approvers }: OptionPolicy, votes: number): boolean {
  return approvers.some(isGroup) || new Set(approvers).size >= votes;
}

/** `S…` is a user group; `U…` and `W…` are persons. */
export function isGroup(id: string): boolean {
  return id.startsWith('S');
}

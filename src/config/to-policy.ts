import { Action } from '../runbook/remedies/action.ts';
import { defaultPolicy, defaultPolicyOf } from '../runbook/approvals/policy.ts';
import type { OptionPolicy, Policy } from '../runbook/approvals/policy.ts';
import type { ConfigFile } from './file.ts';
import type { Rule } from './rules.ts';

/** Who may do what, as dbconn.yml says. An option nobody is named for cannot run. */
export function toPolicy(approval: ConfigFile['approval']): Policy {
  const { expiry, leastLeft, readOnly, terminalUsers, breakGlass } = approval;
  const options = Action.options.flatMap((option) => {
    const rule = approval[option];
    return rule === undefined ? [] : [[option, toOptionPolicy(option, rule)] as const];
  });
  return {
    options: Object.fromEntries(options),
    readOnly,
    expiresAfterMs: expiry ?? defaultPolicy.expiresAfterMs,
    leastShareLeft: leastLeft ?? defaultPolicy.leastShareLeft,
    terminalUsers,
    breakGlass,
  };
}

function toOptionPolicy(option: Action, rule: Rule): OptionPolicy {
  const defaults = defaultPolicyOf(option);
  return {
    proposers: rule.propose,
    approvers: rule.approve,
    votes: rule.votes ?? defaults.votes,
    clusterWideVotes: rule.clusterWideVotes ?? defaults.clusterWideVotes,
    proposerMayVote: rule.proposerMayVote ?? defaults.proposerMayVote,
    reasonRequired: rule.reasonRequired ?? defaults.reasonRequired,
    ...(rule.expiry !== undefined && { expiresAfterMs: rule.expiry }),
    cooldownMs: rule.cooldown ?? defaults.cooldownMs,
  };
}

import type { z } from 'zod';
import { defaultPolicy, defaultPolicyOf } from '../runbook/approvals/policy.ts';
import type { OptionPolicy, Policy } from '../runbook/approvals/policy.ts';
import { defaultIncidentRules } from '../runbook/incidents/rules.ts';
import type { EscalationStep, IncidentRules } from '../runbook/incidents/rules.ts';
import { Action } from '../runbook/remedies/remedy-request.ts';
import { isPostgresUrl } from './addresses.ts';
import type { Alerts, IncidentsEntry, Rule, Steps } from './entries.ts';
import type { Environment } from './environment.ts';
import { engineOf } from './file.ts';
import type { ConfigFile, TargetEntry } from './file.ts';

/**
 * The roles dbconn logs in with: of a target's addresses, and of a journal in PostgreSQL, which may be on the same
 * server. An address without a role means PGUSER, else the user of the operating system, as pg has it.
 */
export function ownRolesOf(
  { url, actingUrl, reservedUrl, rescueUrl }: TargetEntry['database'],
  journal: string,
  environment: Environment,
): readonly string[] {
  const urls = [
    url,
    actingUrl,
    reservedUrl,
    rescueUrl,
    ...(isPostgresUrl(journal) ? [journal] : []),
  ];
  const roles = urls.flatMap((address) => {
    const parsed = address === undefined ? null : URL.parse(address);
    if (parsed === null) return [];
    const { username, searchParams } = parsed;
    const role = searchParams.get('user') ?? decodeURIComponent(username);
    return [role === '' ? (environment['PGUSER'] ?? environment['USER'] ?? '') : role];
  });
  return [...new Set(roles)].filter((role) => role !== '');
}

/**
 * Services that are never restarted: what any target on the same project names, for it is the same containers. One of the
 * same name on another engine is another project.
 */
export function neverRestartOf(
  { compose }: TargetEntry,
  targets: readonly TargetEntry[],
): readonly string[] | undefined {
  if (compose === undefined) return undefined;
  const same = targets.flatMap(({ compose: other }) =>
    other?.project === compose.project && engineOf(other) === engineOf(compose)
      ? other.neverRestart
      : [],
  );
  return [...new Set(same)];
}

/** In the file a duration is `2m`; in the program it bears its unit in its name. */
export function toIncidentRules(given: IncidentsEntry, { names }: Alerts): IncidentRules {
  const defaults = defaultIncidentRules;
  return {
    watch: given.watch,
    checkEveryMs: given.every ?? defaults.checkEveryMs,
    openAfterMs: given.openAfter ?? defaults.openAfterMs,
    closeAfterMs: given.closeAfter ?? defaults.closeAfterMs,
    reopenWithinMs: given.reopenWithin ?? defaults.reopenWithinMs,
    askAgainAfterMs: given.askAgainAfter ?? defaults.askAgainAfterMs,
    overdueAfterMs: given.overdueAfter ?? defaults.overdueAfterMs,
    checklistAfterMs: given.checklistAfter ?? defaults.checklistAfterMs,
    alerts: new Map([
      ...defaults.alerts,
      ...names.map(({ name, severity }) => [name, severity] as const),
    ]),
  };
}

export function toSteps(steps: z.infer<typeof Steps>): EscalationStep[] {
  return steps.map(({ after, ...step }) => ({ ...step, afterMs: after }));
}

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

import { createEmergencyStopSwitch } from '../config/emergency-stop-switch.ts';
import type { Config } from '../config/config.ts';
import { toPolicy } from '../config/to-rules.ts';
import { ownContainer } from '../docker/project/project.ts';
import { noJournal } from '../journal/stored-journal.ts';
import { createApprovals } from '../runbook/approvals/approvals.ts';
import type { Approvals } from '../runbook/approvals/approvals.ts';
import type { Journal } from '../runbook/approvals/journal.ts';
import { nobodyKnown } from '../runbook/approvals/people.ts';
import { repeat } from '../timing.ts';
import type { Clock } from '../timing.ts';
import type { App, ApprovalOptions, Before } from './deps.ts';
import type { TargetSet } from './target-adapters.ts';
import { toApprovalTarget } from './target-remedies.ts';

interface ApprovalParts
  extends ApprovalOptions, Pick<TargetSet, 'targetAdapters' | 'approvalTargets'> {
  readonly journal: Journal;
  readonly clock: Clock;
}

/** A minute lets pools that were cut off come back, and shows whether they take the slots again. */
const verifyAfterMs = 60_000;

export function openApprovals(
  { before, config, deps: { leaseMs } }: App,
  parts: ApprovalParts,
): Approvals {
  // Without people in Slack nobody there can decide anything here.
  const { targetAdapters, journal, clock, people = nobodyKnown, recentPeople } = parts;
  const refusedContainers = ownContainer();
  const { approval, file: configFile } = config;
  return createApprovals({
    onChange: parts.onChange,
    onFault: parts.onFault,
    ...(parts.isIncidentOver !== undefined && { isIncidentOver: parts.isIncidentOver }),
    ...(leaseMs !== undefined && { leaseMs }),
    journal,
    clock,
    approvalTargets:
      parts.approvalTargets ??
      targetAdapters.map((adapters) => {
        const refusedServices = adapters.target.neverRestart ?? [];
        return toApprovalTarget(adapters, { clock, refusedServices, refusedContainers });
      }),
    neighbourhood: (name) =>
      targetAdapters.find(({ target }) => target.name === name)?.neighbourhood?.(),
    policy: toPolicy(approval),
    ...(before !== undefined && {
      earlierPolicies: before.approvals.map(toPolicy),
      removedTargets: removedOf(before, config),
    }),
    people,
    ...(recentPeople !== undefined && { recentPeople }),
    stopSwitch: createEmergencyStopSwitch({ stopFile: approval.stopFile, configFile }),
    repeat,
    verifyAfterMs: approval.verifyAfter ?? verifyAfterMs,
  });
}

/** The targets of the configuration before that this one does not name. */
export function removedOf({ names }: Before, { targets }: Config): readonly string[] {
  return names.filter((name) => targets.every(({ target }) => target.name !== name));
}

/** Plans, and records nothing. */
export function openDryRun(app: App, parts: Omit<ApprovalParts, 'journal' | 'clock'>): Approvals {
  return openApprovals(app, { ...parts, journal: noJournal, clock: app.deps.clock });
}

import type { Config } from '../config/config.ts';
import { createEmergencyStopSwitch } from '../config/emergency-stop-switch.ts';
import { toPolicy } from '../config/to-rules.ts';
import { ownContainer } from '../docker/project/own-paths.ts';
import { createApprovals } from '../runbook/approvals/approvals.ts';
import type { Approvals } from '../runbook/approvals/approvals.ts';
import type { ApprovalDeps } from '../runbook/approvals/context.ts';
import type { Journal } from '../runbook/approvals/journal.ts';
import { nobodyKnown } from '../runbook/approvals/people.ts';
import type { People } from '../runbook/approvals/people.ts';
import type { TargetAdapters } from '../runbook/loop/target-monitor.ts';
import { repeat } from '../timing.ts';
import type { Clock } from '../timing.ts';
import { toApprovalTarget } from './target-remedies.ts';

interface ApprovalsParts extends Pick<ApprovalDeps, 'onChange' | 'onFault'> {
  readonly config: Config;
  readonly targetAdapters: readonly TargetAdapters[];
  readonly journal: Journal;
  readonly clock: Clock;
  /** How long the lease on a running request stands without renewal; the door's own time unless given. */
  readonly leaseMs?: number | undefined;
  /** Who people in Slack are. Without it nobody there can decide anything here. */
  readonly people?: People;
  /** The same, a moment old, for what is shown. */
  readonly recentPeople?: People;
}

/** A minute lets pools that were cut off come back, and shows whether they take the slots again. */
const verifyAfterMs = 60_000;

/** The one door to change for all targets of a configuration. */
export function openApprovals(parts: ApprovalsParts): Approvals {
  const {
    config,
    targetAdapters,
    journal,
    clock,
    people = nobodyKnown,
    leaseMs,
    ...callbacks
  } = parts;
  const refusedServices = config.targets.flatMap(({ compose }) => compose?.neverRestart ?? []);
  const targetParts = { clock, refusedServices, refusedContainers: ownContainer() };
  const { approval, file: configFile } = config;
  return createApprovals({
    ...callbacks,
    ...(leaseMs !== undefined && { leaseMs }),
    journal,
    clock,
    approvalTargets: targetAdapters.map((adapters) => toApprovalTarget(adapters, targetParts)),
    neighbourhood: (name) =>
      targetAdapters.find(({ target }) => target.name === name)?.neighbourhood?.(),
    policy: toPolicy(approval),
    people,
    stopSwitch: createEmergencyStopSwitch({ stopFile: approval.stopFile, configFile }),
    repeat,
    verifyAfterMs: approval.verifyAfter ?? verifyAfterMs,
  });
}

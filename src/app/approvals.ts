import { repeat } from '../clock.ts';
import { ownContainer } from '../docker/project/own-paths.ts';
import type { Config } from '../config/config.ts';
import { createEmergencyStopSwitch } from '../config/emergency-stop-switch.ts';
import { toPolicy } from '../config/to-policy.ts';
import type { ApprovalDeps } from '../runbook/approval/door-ports.ts';
import { createApprovals } from '../runbook/approval/door.ts';
import type { Approvals } from '../runbook/approval/door.ts';
import { nobodyKnown } from '../runbook/approval/nobody-known.ts';
import { toApprovalTarget } from '../runbook/approval/to-door-patient.ts';
import type { Clock, Journal } from '../runbook/snapshot/ports.ts';
import type { People } from '../runbook/ports/people.ts';
import type { TargetAdapters } from '../runbook/loop/target-monitor.ts';

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

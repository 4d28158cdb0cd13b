import { allMembers } from '../support/people.ts';
import { systemClock } from '../../src/timing.ts';
import { createApprovals } from '../../src/runbook/approvals/approvals.ts';
import type { Approvals } from '../../src/runbook/approvals/approvals.ts';
import { defaultPolicy } from '../../src/runbook/approvals/policy.ts';
import { toApprovalTarget } from '../../src/app/target-remedies.ts';

import { Action } from '../../src/runbook/remedies/remedy-request.ts';
import type { Remedy } from '../../src/runbook/remedies/remedy.ts';
import type { TargetAdapters } from '../../src/runbook/loop/target-monitor.ts';
import { optionPolicy } from '../support/option-policy.ts';
import type { Journal } from '../../src/runbook/approvals/journal.ts';

export const ann = { id: 'UANN', via: 'slack' } as const;
export const bob = { id: 'UBOB', via: 'slack' } as const;

interface CrashApprovals {
  readonly journal: Journal;
  readonly adapters: TargetAdapters;
  /** Called at each `run` of a remedy. */
  readonly onRun?: () => void;
  readonly onFault: (error: unknown) => void;
}

/** The same approvals for the parent and the child: one approver, no waiting. */
export function openCrashApprovals({
  journal,
  adapters,
  onRun,
  onFault,
}: CrashApprovals): Approvals {
  const parts = { clock: systemClock, refusedServices: [], refusedContainers: [] };
  const patient = toApprovalTarget(adapters, parts);
  const rule = { ...optionPolicy, approvers: [bob.id] };
  const options = Object.fromEntries(Action.options.map((action) => [action, rule]));
  return createApprovals({
    people: allMembers,
    journal,
    approvalTargets: [{ ...patient, remedies: patient.remedies.map((one) => told(one, onRun)) }],
    policy: { ...defaultPolicy, options },
    clock: systemClock,
    verifyAfterMs: 50,
    // Nobody waits here for a process that stands still.
    leaseMs: 100,
    onChange: () => undefined,
    onFault: (_id, error) => onFault(error),
  });
}

function told(remedy: Remedy, onRun?: () => void): Remedy {
  return {
    option: remedy.option,
    target: remedy.target,
    propose: (ask) => remedy.propose(ask),
    recheck: (plan) => remedy.recheck(plan),
    run(plan, left, control) {
      onRun?.();
      return remedy.run(plan, left, control);
    },
    recover: (interrupted, control) => remedy.recover(interrupted, control),
  };
}

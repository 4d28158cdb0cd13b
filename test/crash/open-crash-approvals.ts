import { toApprovalTarget } from '../../src/app/target-remedies.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import type { Approvals } from '../../src/runbook/approvals/approvals.ts';
import { createTargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import type { TargetAdapters } from '../../src/runbook/loop/target-monitor.ts';
import type { Remedy } from '../../src/runbook/remedies/remedy.ts';
import { systemClock } from '../../src/timing.ts';
import { configOf } from '../support/config-of.ts';
import { openApprovals } from '../support/open-approvals.ts';

export const ann = { id: 'UANN', via: 'slack' } as const;
export const bob = { id: 'UBOB', via: 'slack' } as const;

interface CrashParts {
  /** The journal's address. */
  readonly address: string;
  readonly adapters: TargetAdapters;
  readonly wrapJournal?: (journal: StoredJournal) => StoredJournal;
}

export interface CrashApprovals {
  readonly approvals: Approvals;
  readonly journal: StoredJournal;
  readonly faults: readonly unknown[];
  /** How often a remedy was run here. */
  readonly runs: () => number;
  /** Closes the target and the journal too. */
  readonly close: () => Promise<void>;
}

/** The same approvals for the parent and the child: one approver, no waiting. */
export async function openCrashApprovals({
  address,
  adapters,
  ...deps
}: CrashParts): Promise<CrashApprovals> {
  const parts = { clock: systemClock, refusedServices: [], refusedContainers: [] };
  const all = toApprovalTarget(adapters, parts);
  let runs = 0;
  const counted = all.remedies.map((one) => counting(one, () => void (runs += 1)));
  const monitor = createTargetMonitor([adapters], systemClock);
  const { app, approvals, faults } = await openApprovals(
    configOf({
      journal: address,
      targets: [adapters.target],
      rule: { approve: [bob.id] },
      verifyAfterMs: 50,
    }),
    {
      targets: {
        targetAdapters: [adapters],
        monitor,
        approvalTargets: [{ ...all, remedies: counted }],
      },
      // Nobody waits here for a process that stands still.
      leaseMs: 100,
      ...deps,
    },
  );
  const journal = await app.journal();
  return { approvals, journal, faults, runs: () => runs, close: () => app.close() };
}

function counting(remedy: Remedy, onRun: () => void): Remedy {
  return {
    option: remedy.option,
    target: remedy.target,
    propose: (ask) => remedy.propose(ask),
    recheck: (plan) => remedy.recheck(plan),
    run(plan, left, control) {
      onRun();
      return remedy.run(plan, left, control);
    },
    recover: (interrupted, control) => remedy.recover(interrupted, control),
  };
}

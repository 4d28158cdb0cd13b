import type { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import type { Runbook } from '../../runbook/loop/target-monitor.ts';
import { toTargetSummary } from './glance.ts';
import type { TargetSummary, ReadSummaries } from './glance.ts';

/**
 * The same runbook, and what its latest look at each target said: whoever looks, the watch or a person, fills in the
 * Home tab. Holds one small value for each target.
 */
export function rememberSummaries(runbook: Runbook): {
  readonly runbook: Runbook;
  readonly readSummaries: ReadSummaries;
} {
  const latest = new Map<string, TargetSummary>();
  const remember = (diagnosis: Diagnosis): void => {
    const before = latest.get(diagnosis.target)?.takenAt ?? '';
    // Two looks at once may end in the other order.
    if (before <= diagnosis.takenAt) latest.set(diagnosis.target, toTargetSummary(diagnosis));
  };
  return {
    runbook: {
      ...runbook,
      async diagnose(target) {
        const diagnosis = await runbook.diagnose(target);
        remember(diagnosis);
        return diagnosis;
      },
      async runCheck(target, effort) {
        const examination = await runbook.runCheck(target, effort);
        remember(examination.diagnosis);
        return examination;
      },
    },
    readSummaries: () => runbook.targets.map(({ name }) => latest.get(name) ?? notCheckedYet(name)),
  };
}

function notCheckedYet(target: string): TargetSummary {
  return {
    target,
    state: 'unknown',
    headline: 'Not looked at yet.',
    capacity: null,
    takenAt: null,
  };
}

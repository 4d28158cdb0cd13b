import type { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import type { Runbook } from '../../runbook/runbook.ts';
import { toGlance } from './glance.ts';
import type { Glance, ReadGlances } from './glance.ts';

/**
 * The same runbook, and what its latest look at each target said: whoever looks, the watch or a person, fills in the
 * Home tab. Holds one small value for each target.
 */
export function rememberGlances(runbook: Runbook): {
  readonly runbook: Runbook;
  readonly readGlances: ReadGlances;
} {
  const seen = new Map<string, Glance>();
  const remember = (diagnosis: Diagnosis): void => {
    const before = seen.get(diagnosis.target)?.takenAt ?? '';
    // Two looks at once may end in the other order.
    if (before <= diagnosis.takenAt) seen.set(diagnosis.target, toGlance(diagnosis));
  };
  return {
    runbook: {
      ...runbook,
      async diagnose(target) {
        const diagnosis = await runbook.diagnose(target);
        remember(diagnosis);
        return diagnosis;
      },
      async examine(target, effort) {
        const examination = await runbook.examine(target, effort);
        remember(examination.diagnosis);
        return examination;
      },
    },
    readGlances: () => runbook.targets.map(({ name }) => seen.get(name) ?? notSeen(name)),
  };
}

function notSeen(target: string): Glance {
  return {
    target,
    state: 'unknown',
    headline: 'Not looked at yet.',
    capacity: null,
    takenAt: null,
  };
}

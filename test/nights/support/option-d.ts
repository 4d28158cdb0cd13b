import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { systemClock } from '../../../src/timing.ts';
import { createBlockers } from '../../../src/postgres/privileged/blockers.ts';
import { createOptionD } from '../../../src/runbook/remedies/d-stop-blockers/stop-blockers.ts';
import type { Remedy } from '../../../src/runbook/remedies/remedy.ts';
import type { Target } from '../../../src/runbook/snapshot/target.ts';
import { aTarget } from '../../runbook/diagnose/builders.ts';

/** Option D as the bot builds it, acting as `acting`. */
export function optionD(cluster: Cluster, target: Partial<Target> = {}): Remedy {
  return createOptionD({
    blockers: createBlockers({ url: cluster.url('acting') }),
    clock: systemClock,
    target: aTarget(target),
  });
}

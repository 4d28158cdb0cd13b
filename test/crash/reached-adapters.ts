import { openPrivileged } from '../../src/app/changing-adapters.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import type { TargetAdapters } from '../../src/runbook/loop/target-monitor.ts';
import type { Target } from '../../src/runbook/snapshot/target.ts';
import type { Patient } from '../../sandbox/patient/patient.ts';
import { databaseOptions } from '../support/database-options.ts';

/** What crosses to the child: addresses, and the target as it is configured. */
export interface PatientTarget {
  readonly target: Target;
  readonly urls: Patient['urls'];
  /** dbconn has nothing to act with, and people run its plans. */
  readonly byHand?: boolean;
}

/** Everything of the patient that is reached by calling a method, here or in the parent. */
export interface Reached {
  readonly services: ReturnType<Patient['services']>;
  readonly pools: ReturnType<Patient['pools']>;
  readonly serverHost: ReturnType<Patient['serverHost']>;
}

/** The same patient for the child and for the process that takes over. */
export function reachedAdapters(
  { target, urls, byHand = false }: PatientTarget,
  { services, pools, serverHost }: Reached,
): TargetAdapters {
  const means = { serverHost, restarts: services, poolSettings: services };
  return {
    target: { ...target, canAct: !byHand },
    database: createDatabase(
      databaseOptions(urls.dbconn, {
        target: target.name,
        rescueUrl: urls.rescue,
        limits: target.limits,
      }),
    ),
    services,
    pools,
    ...(byHand
      ? { planning: openPrivileged(urls.dbconn) }
      : { ...means, ...openPrivileged(urls.privileged) }),
  };
}

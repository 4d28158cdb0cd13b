import type { TargetSet } from '../../../src/app/target-adapters.ts';
import { systemClock } from '../../../src/timing.ts';
import { createDatabase } from '../../../src/postgres/lifeline.ts';
import { createTargetMonitor } from '../../../src/runbook/loop/target-monitor.ts';
import type { Contacts } from '../../../src/runbook/snapshot/target.ts';
import { databaseName } from '../../../sandbox/patient/schema.ts';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import { databaseOptions } from '../../support/database-options.ts';

interface TargetsOptions {
  readonly password: string;
  readonly composeProject: string;
  readonly contacts: Contacts;
}

/** What looks at a patient and restarts its services, which run without Docker here. */
export function targetsOf(patient: Patient, options: TargetsOptions): TargetSet {
  const { composeProject, contacts, password } = options;
  const { cluster, limits } = patient;
  const adapters = {
    // A getter: services come and go with the trouble.
    get target() {
      return { ...patient.target(), composeProject, contacts };
    },
    database: createDatabase(
      databaseOptions(cluster.url('dbconn', databaseName, password), {
        target: databaseName,
        limits,
      }),
    ),
    services: patient.services(),
    pools: patient.pools(),
    restarts: patient.services(),
  };
  return { targetAdapters: [adapters], monitor: createTargetMonitor([adapters], systemClock) };
}

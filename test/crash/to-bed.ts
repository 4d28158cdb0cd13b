import { systemClock } from '../../src/clock.ts';
import { createActing } from '../../src/postgres/act.ts';
import { createBlockers } from '../../src/postgres/blockers.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import { createPreparedTransactions } from '../../src/postgres/prepared-transactions.ts';
import { createServerSettings } from '../../src/postgres/settings/server-settings.ts';
import { createTimeouts } from '../../src/postgres/timeouts.ts';
import type { Patient as RunbookPatient } from '../../src/runbook/runbook.ts';
import type { Target } from '../../src/runbook/target.ts';
import type { Patient } from '../../sandbox/patient/patient.ts';

/** What crosses to the child: addresses, and the target as it is configured. */
export interface Bedside {
  readonly target: Target;
  readonly urls: Patient['urls'];
}

/** Everything of the patient that is reached by calling a method, here or in the parent. */
export interface Reached {
  readonly services: ReturnType<Patient['services']>;
  readonly pools: ReturnType<Patient['pools']>;
  readonly serverHost: ReturnType<Patient['serverHost']>;
}

/** The same patient for the child and for the door that takes over. */
export function toBed(
  { target, urls }: Bedside,
  { services, pools, serverHost }: Reached,
): RunbookPatient {
  return {
    target: { ...target, canAct: true },
    database: createDatabase({
      target: target.name,
      url: urls.dbconn,
      rescueUrl: urls.rescue,
      providerReserved: 0,
      limits: target.limits,
      applicationRoles: [],
      clock: systemClock,
    }),
    services,
    pools,
    acting: createActing({ url: urls.acting }),
    serverSettings: createServerSettings(urls.acting),
    serverHost,
    blockers: createBlockers({ url: urls.acting }),
    prepared: createPreparedTransactions({ url: urls.acting }),
    timeouts: createTimeouts({ url: urls.acting }),
    restarts: services,
    poolSettings: services,
  };
}

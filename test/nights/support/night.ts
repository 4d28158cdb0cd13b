import { expect } from 'vitest';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { systemClock } from '../../../src/timing.ts';
import { createIdleSessions } from '../../../src/postgres/privileged/idle-sessions.ts';
import { createDatabase } from '../../../src/postgres/lifeline.ts';

import type { Diagnosis } from '../../../src/runbook/diagnose/diagnosis.ts';
import type { TargetMonitor, TargetAdapters } from '../../../src/runbook/loop/target-monitor.ts';
import { createTargetMonitor } from '../../../src/runbook/loop/target-monitor.ts';
import { defaultLimits } from '../../../src/runbook/snapshot/target.ts';
import type { Limits, Target } from '../../../src/runbook/snapshot/target.ts';
import { databaseOptions } from '../../support/database-options.ts';
import { misleading } from '../../support/named-options.ts';
import type { Clock } from '../../../src/timing.ts';

export interface NightOptions {
  readonly target?: Partial<Target>;
  readonly limits?: Partial<Limits>;
  readonly services?: TargetAdapters['services'];
  readonly pools?: TargetAdapters['pools'];
  /** The system's without one. */
  readonly clock?: Clock;
  /** Whatever else reaches the target, such as its poolers. */
  readonly more?: Partial<TargetAdapters>;
}

/** The roles of dbconn on a server that has none yet: `dbconn` looks, `acting` may end sessions. */
export const dbconnRoles = [
  'CREATE ROLE dbconn LOGIN',
  'GRANT pg_monitor TO dbconn',
  'CREATE ROLE acting LOGIN',
  'GRANT pg_monitor, pg_signal_backend TO acting',
] as const;

const target = 'night';

/** dbconn as it watches one server, never naming an option that it does not offer; without containers and metrics unless they are given. */
export function watch(cluster: Cluster, options: NightOptions = {}): TargetMonitor {
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const monitor = createTargetMonitor(
    [
      {
        target: {
          name: target,
          services: [],
          applicationRoles: [],
          protectedApplications: [],
          limits,
          links: { guides: [] },
          contacts: {},
          canAct: true,
          ...options.target,
        },
        database: createDatabase(databaseOptions(cluster.url('dbconn'), { limits })),
        services: options.services ?? {
          readServices: () => Promise.resolve(notHere),
          readLogs: () => Promise.resolve(notHere),
        },
        pools: options.pools ?? { readPools: () => Promise.resolve(notHere) },
        privileged: createIdleSessions({ url: cluster.url('acting') }),
        ...options.more,
      },
    ],
    options.clock ?? systemClock,
  );
  const runCheck: TargetMonitor['runCheck'] = async (name, effort) => {
    const examination = await monitor.runCheck(name, effort);
    expect(misleading(examination.diagnosis)).toEqual([]);
    return examination;
  };
  return { ...monitor, runCheck, diagnose: async (name) => (await runCheck(name)).diagnosis };
}

/** One check by a dbconn that knows nothing of an earlier one. */
export async function diagnoseOnce(
  cluster: Cluster,
  options: NightOptions = {},
): Promise<Diagnosis> {
  const monitor = watch(cluster, options);
  try {
    return await monitor.diagnose(target);
  } finally {
    await monitor.close();
  }
}

const notHere = {
  ok: false,
  tookMs: 0,
  problem: { kind: 'not-configured', summary: 'None.', fix: 'None.' },
} as const;

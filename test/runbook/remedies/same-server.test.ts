import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import {
  readServer,
  withPrivilegedConnection,
} from '../../../src/postgres/privileged/connection.ts';
import { createRoleLimits } from '../../../src/postgres/privileged/role-limits.ts';
import { createTimeouts } from '../../../src/postgres/privileged/timeouts.ts';
import type { Plan } from '../../../src/runbook/remedies/plan.ts';
import { createPrevention } from '../../../src/runbook/remedies/prevention/prevention.ts';
import type { Interrupted, Remedy, RunControl } from '../../../src/runbook/remedies/remedy.ts';
import { onItsServer } from '../../../src/runbook/remedies/same-server.ts';
import { systemClock } from '../../../src/timing.ts';
import { majors } from '../../support/breadth.ts';
import { startCluster } from '../../support/clusters.ts';
import { heldLease } from '../../support/held-lease.ts';
import { runSql } from '../../support/sql.ts';
import { aTarget } from '../diagnose/builders.ts';

const control: RunControl = {
  isStopped: () => Promise.resolve(false),
  intend: () => Promise.resolve(),
  record: () => Promise.resolve(),
  lease: heldLease,
  progress: () => undefined,
};

/** Prevention as a target of that address has it. */
function at(cluster: Cluster, role = 'postgres'): Remedy {
  const url = cluster.url(role);
  const remedy = createPrevention({
    timeouts: createTimeouts({ url }),
    roleLimits: createRoleLimits({ url }),
    clock: systemClock,
    target: aTarget(),
  });
  return onItsServer(remedy, () => withPrivilegedConnection(url, readServer));
}

async function plan(remedy: Remedy): Promise<Plan> {
  const ask = { kind: 'limit-connections', role: 'app', limit: 20 } as const;
  const drafted = await remedy.propose(ask);
  if (!drafted.ok) throw new Error(drafted.refusal.why);
  return { ...drafted.value, policyVersion: '', plannedAt: '' };
}

const brokenOff = (broken: Plan): Interrupted => ({
  plan: broken,
  since: new Date().toISOString(),
  steps: [{ step: 0, sentence: 'set it', kind: 'intended', at: new Date().toISOString() }],
});

describe.for(majors)('PostgreSQL %i', (major) => {
  const clusters: Cluster[] = [];
  let here: Cluster;
  let elsewhere: Cluster;
  beforeAll(async () => {
    here = await startCluster({ major });
    elsewhere = await startCluster({ major });
    clusters.push(here, elsewhere);
  });
  afterAll(async () => {
    for (const cluster of clusters) await cluster.close();
  });
  beforeEach(async () => {
    for (const cluster of clusters) {
      await runSql(
        cluster.url(),
        'DROP ROLE IF EXISTS app',
        'DROP ROLE IF EXISTS strict',
        'CREATE ROLE app LOGIN',
        'CREATE ROLE strict LOGIN CREATEROLE',
        ...(major >= 16 ? ['GRANT app TO strict WITH ADMIN OPTION'] : []),
      );
    }
  });

  test('a plan is held against the server that it was made on, and no other one', async () => {
    const planned = await plan(at(here));
    expect((await at(here).recheck(planned)).left).toHaveLength(1);
    await expect(at(elsewhere).recheck(planned)).rejects.toThrow('is another server');
  });

  test('what broke off on one server is not gone on with on another one', async () => {
    const planned = await plan(at(here));
    await expect(at(elsewhere).recover(brokenOff(planned), control)).rejects.toThrow('another');
    const report = await at(here).recover(brokenOff(planned), control);
    expect(report.items).toMatchObject([{ outcome: 'not reached' }]);
  });

  test('a server that was restarted is planned for again, and what broke off before it is finished', async () => {
    const planned = await plan(at(here));
    await here.stop();
    await here.start();
    await expect(at(here).recheck(planned)).rejects.toThrow('was restarted');
    const report = await at(here).recover(brokenOff(planned), control);
    expect(report.items).toMatchObject([{ outcome: 'not reached' }]);
  });

  test('a role that may not read the system identifier tells servers by their start', async () => {
    for (const cluster of clusters) {
      const revoke = 'REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC';
      await runSql(cluster.url(), revoke);
    }
    const planned = await plan(at(here, 'strict'));
    expect(planned.server?.systemIdentifier).toBeNull();
    expect((await at(here, 'strict').recheck(planned)).left).toHaveLength(1);
    await expect(at(elsewhere, 'strict').recheck(planned)).rejects.toThrow('Propose it again');
  });
});

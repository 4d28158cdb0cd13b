import { allMembers } from '../../support/people.ts';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startCluster } from '../../support/clusters.ts';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { systemClock } from '../../../src/timing.ts';
import { createIdleSessions } from '../../../src/postgres/privileged/idle-sessions.ts';
import { createApprovals } from '../../../src/runbook/approvals/approvals.ts';
import { defaultPolicy } from '../../../src/runbook/approvals/policy.ts';
import { createOptionA } from '../../../src/runbook/remedies/a-terminate-idle/terminate-idle.ts';
import type { Snapshot } from '../../../src/runbook/snapshot/snapshot.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import type { JournalFolder } from '../../journal/temporary-journal.ts';
import { aReading, aSnapshot, aTarget } from '../diagnose/builders.ts';
import { optionPolicy } from '../../support/option-policy.ts';
import { ann, bob } from './builders.ts';

let cluster: Cluster;
let folder: JournalFolder;
let leaks: Client[];
beforeEach(async () => {
  folder = makeJournalFolder();
  cluster = await startCluster({ settings: { max_connections: 20 } });
  await query('CREATE ROLE app LOGIN; CREATE ROLE acting LOGIN');
  await query('GRANT pg_monitor, pg_signal_backend TO acting');
  leaks = await Promise.all(Array.from({ length: 15 }, () => leak()));
});
afterEach(async () => {
  await Promise.all(leaks.map((client) => client.end().catch(() => undefined)));
  await cluster.close();
  folder.close();
});

async function leak(): Promise<Client> {
  const connectionString = cluster.url('app');
  const client = new Client({ connectionString, application_name: 'backend' });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN');
  return client;
}

async function query(sql: string): Promise<number> {
  const client = new Client({ connectionString: cluster.url() });
  await client.connect();
  const { rows } = await client.query<{ n?: number }>(sql);
  await client.end();
  return rows?.[0]?.n ?? 0;
}

async function takeSnapshot(): Promise<Snapshot> {
  const clients = await query(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name = 'backend'`,
  );
  const capacity = { maxConnections: 20, superuserReserved: 3, reserved: 0, providerReserved: 0 };
  return aSnapshot({ reading: aReading({ capacity, counts: { clients } }) });
}

test('from a leak to a verified outcome on a real server, with a second person’s vote in between', async () => {
  const target = aTarget();
  const privileged = createIdleSessions({ url: cluster.url('acting') });
  const journal = await folder.open();
  const faults: unknown[] = [];
  const approvals = createApprovals({
    people: allMembers,
    journal,
    approvalTargets: [
      {
        name: 'shop',
        remedies: [createOptionA({ privileged, clock: systemClock, target })],
        takeSnapshot,
        warningUtilisation: 0.8,
      },
    ],
    policy: {
      ...defaultPolicy,
      options: { A: { ...optionPolicy, approvers: [ann.id, bob.id] } },
    },
    clock: systemClock,
    verifyAfterMs: 200,
    onChange: () => undefined,
    onFault: (_id, error) => void faults.push(error),
  });
  await systemClock.sleep(120);
  const ask = { kind: 'idle-in-transaction', idleForMs: 100 } as const;
  const proposed = await approvals.propose({ target: 'shop', ask, actor: ann });
  if (!proposed.ok) throw new Error(proposed.refusal.why);
  const { id, plan } = proposed.value;
  expect(plan.targets).toHaveLength(15);
  expect(await approvals.approve(id, ann)).toMatchObject({ refusal: { kind: 'own-proposal' } });
  const [busy] = leaks;
  await busy?.query('SELECT 1');
  expect(await approvals.approve(id, bob)).toMatchObject({ ok: true });
  expect(await approvals.settled(id)).toMatchObject({
    value: {
      state: 'done',
      execution: { left: 14, spared: [{ reason: 'it is gone or active again' }] },
      result: {
        report: { summary: 'Of 14 sessions: 14 ended.', finished: true },
        outcome: {
          word: 'fixed',
          before: { used: 15, usable: 17 },
          after: { used: 1 },
          later: { used: 1 },
        },
      },
    },
  });
  await expect(busy?.query('COMMIT')).resolves.toBeDefined();
  expect(faults).toEqual([]);
  expect(await journal.verify()).toMatchObject({ ok: true });
});

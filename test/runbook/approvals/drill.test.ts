import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startCluster } from '../../support/clusters.ts';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { systemClock } from '../../../src/timing.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import type { JournalFolder } from '../../journal/temporary-journal.ts';
import { configOf } from '../../support/config-of.ts';
import { openApprovals } from '../../support/open-approvals.ts';
import { aTarget } from '../diagnose/builders.ts';
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

async function query(sql: string): Promise<void> {
  const client = new Client({ connectionString: cluster.url() });
  await client.connect();
  await client.query(sql);
  await client.end();
}

test('from a leak to a verified outcome on a real server, with a second person’s vote in between', async () => {
  const { app, approvals, faults } = await openApprovals(
    configOf({
      journal: folder.file,
      targets: [aTarget({ canAct: true })],
      database: { url: cluster.url('acting'), actingUrl: cluster.url('acting') },
      rule: { approve: [ann.id, bob.id] },
      verifyAfterMs: 200,
    }),
  );
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
      execution: { left: 14, skipped: [{ reason: 'it is gone or active again' }] },
      result: {
        report: { summary: 'Of 14 sessions: 14 ended.', finished: true },
        outcome: {
          word: 'fixed',
          // One of them is the warm connection of dbconn.
          before: { used: 16, usable: 17 },
          after: { used: 2 },
          later: { used: 2 },
        },
      },
    },
  });
  await expect(busy?.query('COMMIT')).resolves.toBeDefined();
  expect(faults).toEqual([]);
  const journal = await app.journal();
  expect(await journal.verify()).toMatchObject({ ok: true });
  await app.close();
});

import { assert, asyncProperty, integer, oneof } from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { createTimeouts } from '../../src/postgres/privileged/timeouts.ts';
import { toMilliseconds } from '../../src/postgres/privileged/timeouts.ts';
import { PrivilegedUnavailable } from '../../src/runbook/remedies/remedy.ts';
import { readTimeoutText, toTimeoutText } from '../../src/runbook/remedies/prevention/plan.ts';
import { heldLease } from '../support/held-lease.ts';

const setting = 'idle_in_transaction_session_timeout';
const place = { setting, role: null } as const;

let cluster: Cluster;
let client: Client;
beforeAll(async () => {
  cluster = await startCluster();
  client = new Client({ connectionString: cluster.url() });
  client.on('error', () => undefined); // its server is stopped
  await client.connect();
});
afterAll(async () => {
  await client.end().catch(() => undefined);
  await cluster.close();
});

async function show(value: string): Promise<{ ms: number; text: string } | undefined> {
  await client.query(`SELECT set_config('${setting}', $1, false)`, [value]);
  const { rows } = await client.query<{ ms: number; text: string }>(
    `SELECT setting::int AS ms, current_setting(name) AS text FROM pg_settings WHERE name = $1`,
    [setting],
  );
  return rows[0];
}

test.for([
  '0',
  '600000',
  '10min',
  ' 1.5 h ',
  '90 s',
  '2d',
  '1500us',
  '0x10',
  '010',
  '1e3',
  '07min',
  '2.5',
  '3.5',
])('a time-out written as "%s" is read as PostgreSQL reads it', async (value) => {
  expect(toMilliseconds(value)).toBe((await show(value))?.ms);
});

test('a time-out is written as SHOW writes it, and is read back', async () => {
  const ms = oneof(
    integer({ min: 0, max: 2_147_483_647 }),
    integer({ min: 0, max: 24 }).map((h) => h * 3_600_000),
  );
  await assert(
    asyncProperty(ms, async (value) => {
      const text = toTimeoutText(value);
      expect(text).toBe((await show(text))?.text);
      expect([readTimeoutText(text), toMilliseconds(text)]).toEqual([value, value]);
    }),
    { numRuns: 60 },
  );
});

test.for([null, '', 'ten', '10 minutes', '-1', '1MIN'])('%s is no time-out', (text) => {
  expect(toMilliseconds(text)).toBeNull();
});

test('what PostgreSQL refuses is an answer, and a session that is ended meanwhile is not', async () => {
  const timeouts = createTimeouts({ url: cluster.url() });
  const role = { setting, role: 'nobody' } as const;
  const refused = await timeouts.act((session) => session.alterTimeout(role, 1000, heldLease));
  expect(refused).toBe('42704');
  const lost = timeouts.act(async (session) => {
    await session.readTimeout(place);
    await cluster.stop('immediate');
    return session.alterTimeout(place, 1000, heldLease);
  });
  await expect(lost).rejects.toBeInstanceOf(PrivilegedUnavailable);
});

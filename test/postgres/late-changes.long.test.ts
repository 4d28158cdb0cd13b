import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPreparedTransactions } from '../../src/postgres/privileged/prepared-transactions.ts';
import { createRoleLimits } from '../../src/postgres/privileged/role-limits.ts';
import { createServerSettings } from '../../src/postgres/privileged/server-settings.ts';
import { createTimeouts } from '../../src/postgres/privileged/timeouts.ts';
import type { Lease } from '../../src/runbook/remedies/remedy.ts';
import { PrivilegedUnavailable } from '../../src/runbook/remedies/remedy.ts';
import { SlowRoad } from '../endurance/slow-road.ts';
import { allMajors } from '../support/breadth.ts';
import { until } from '../support/until.ts';
import { heldLease, lostLease } from '../support/held-lease.ts';
import { useServer } from '../support/server.ts';

const heldMs = 9000;
const timeout = { setting: 'idle_in_transaction_session_timeout', role: null } as const;

/** What is changed by the statement with this text, and the truth that tells whether it was. */
const changes = [
  {
    text: 'ALTER ROLE "app" SET',
    change: (url: string, lease: Lease) =>
      createTimeouts({ url }).act((one) =>
        one.alterTimeout({ ...timeout, role: 'app' }, 60_000, lease),
      ),
    truth: `SELECT setconfig::text AS truth FROM pg_db_role_setting`,
  },
  {
    text: 'ALTER SYSTEM SET idle',
    change: (url: string, lease: Lease) =>
      createTimeouts({ url }).act((one) => one.alterTimeout(timeout, 60_000, lease)),
    truth: `SELECT setting AS truth FROM pg_file_settings WHERE name = '${timeout.setting}'`,
  },
  {
    text: 'pg_reload_conf',
    change: (url: string, lease: Lease) =>
      createTimeouts({ url }).act((one) => one.reloadConfiguration(lease)),
    truth: 'SELECT pg_conf_load_time()::text AS truth',
  },
  {
    text: 'CONNECTION LIMIT 5',
    change: (url: string, lease: Lease) =>
      createRoleLimits({ url }).act((one) => one.alterRoleLimit('app', 5, lease)),
    truth: `SELECT rolconnlimit AS truth FROM pg_roles WHERE rolname = 'app'`,
  },
  {
    text: 'SET max_connections',
    change: (url: string, lease: Lease) => createServerSettings(url).alterMaxConnections(55, lease),
    truth: `SELECT setting AS truth FROM pg_file_settings WHERE name = 'max_connections' AND sourcefile LIKE '%auto.conf'`,
  },
  {
    text: 'ROLLBACK PREPARED',
    change: async (url: string, lease: Lease) => {
      const prepared = createPreparedTransactions({ url });
      const found = await createPreparedTransactions({ url }).readPrepared('forgotten');
      if (found === null) throw new Error('It is not prepared.');
      return prepared.rollBackPrepared({ ...found, kind: 'prepared', victims: 0 }, lease);
    },
    truth: 'SELECT gid AS truth FROM pg_prepared_xacts',
  },
] as const;

describe.each(allMajors.filter((major) => major !== 15))('PostgreSQL %i', (major) => {
  const server = useServer({ major, settings: { max_prepared_transactions: 2 } }, [
    'CREATE ROLE app LOGIN',
  ]);
  beforeAll(async () => {
    const { client } = await server.sessions.open();
    await client.query("BEGIN; CREATE TABLE kept (); PREPARE TRANSACTION 'forgotten'");
  });
  afterAll(() => server.sessions.ask(`ROLLBACK PREPARED 'forgotten'`));

  test.concurrent.each(changes)(
    'a "$text" that arrives 9 s late changes nothing after dbconn gave it up',
    async ({ text, change, truth }) => {
      const road = await SlowRoad.to(server.cluster.port);
      const url = new URL(server.cluster.url());
      url.port = String(road.port);
      const before = await server.sessions.ask(truth);
      road.holdFrom(text, heldMs);
      await expect(change(url.href, heldLease)).rejects.toThrow(PrivilegedUnavailable);
      await until('it was delivered', () => Promise.resolve(!road.isHolding));
      // A statement that was taken up would be done before the next one of a later session.
      await server.sessions.ask('SELECT pg_sleep(0.3)');
      expect(await server.sessions.ask(truth)).toEqual(before);
      road.close();
    },
  );

  test.each(changes)(
    'a "$text" of a process that was frozen after its intent is not sent',
    async ({ change, truth }) => {
      const before = await server.sessions.ask(truth);
      await expect(change(server.cluster.url(), lostLease)).rejects.toThrow('The lease ran out.');
      expect(await server.sessions.ask(truth)).toEqual(before);
    },
  );
});

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import { majors } from '../support/breadth.ts';
import { Sessions } from '../support/sessions.ts';
import { startPair } from '../support/standby.ts';
import { until } from '../support/until.ts';
import { dbconnRoles } from './support/night.ts';
import { optionD } from './support/option-d.ts';
import { variants } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 14: on a standby replay waits for a long query and readers wait for replay. The query is the root, replay never a target. */
describe.for(majors)('PostgreSQL %i', (major) => {
  let pair: Awaited<ReturnType<typeof startPair>>;
  let primary: Sessions;
  let standby: Sessions;
  const limits = { ...defaultLimits, lockWaitMs: 1 };

  beforeAll(async () => {
    pair = await startPair(
      { major, settings: { max_connections: 40, autovacuum: 'off' } },
      { max_standby_streaming_delay: '-1', hot_standby_feedback: 'off' },
    );
    primary = new Sessions(pair.primary);
    standby = new Sessions(pair.standby);
    for (const role of dbconnRoles) await primary.ask(role);
  });
  afterAll(async () => {
    await primary.close();
    await standby.close();
    await pair.close();
  });

  describe.each(variants)(
    'readers behind replay ($seed)',
    ({ seeded, table, user, applications }) => {
      const readers = seeded.between(4, 9);

      beforeAll(async () => {
        await primary.ask(`CREATE ROLE ${user} LOGIN`);
        await primary.ask(`CREATE TABLE ${table} AS SELECT i FROM generate_series(1, 1000) i`);
        await primary.ask(
          `CREATE TABLE other_${table} AS SELECT i FROM generate_series(1, 1000) i`,
        );
        await primary.ask(`GRANT ALL ON ${table}, other_${table} TO ${user}`);
        await replayed(`other_${table}`);
      });
      afterEach(async () => {
        await primary.endAll();
        await standby.endAll();
      });

      async function replayed(relation: string): Promise<void> {
        await until('the standby has replayed it', async () => {
          const [row] = await standby.ask<{ there: boolean }>(
            `SELECT to_regclass('${relation}') IS NOT NULL AND EXISTS (SELECT FROM pg_roles WHERE rolname = '${user}') AS there`,
          );
          return row?.there === true;
        });
      }

      /** A commit sends what was written before it to the standby. */
      async function flush(): Promise<void> {
        await primary.ask(`SELECT pg_logical_emit_message(true, 'flush', '')`);
      }

      async function readersWait(): Promise<void> {
        const opened = await standby.openMany(readers, { user, application: applications[1] });
        for (const one of opened) one.begin(`SELECT count(*) FROM ${table}`);
        await until('they wait', async () => {
          const rows = await standby.ask(
            `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = '${applications[1]}'`,
          );
          return rows.length === readers;
        });
      }

      async function look(): Promise<Diagnosis> {
        return diagnoseOnce(pair.standby, { limits });
      }

      async function startup(): Promise<number> {
        const [row] = await standby.ask<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'`,
        );
        return row?.pid ?? 0;
      }

      test('the long query that replay wants a lock from is the root', async () => {
        const [long] = await standby.openMany(1, { user, application: applications[0] });
        if (long === undefined) throw new Error('Nobody reads.');
        long.begin(`SELECT count(*), pg_sleep(600) FROM ${table}`);
        await until('it runs', async () => {
          const rows = await standby.ask(
            `SELECT FROM pg_locks WHERE pid = ${long.pid} AND relation = '${table}'::regclass`,
          );
          return rows.length > 0;
        });
        await primary.ask(`ALTER TABLE ${table} ADD COLUMN extra int`);
        await until('replay waits for its lock', async () => {
          const rows = await standby.ask(
            `SELECT FROM pg_locks WHERE NOT granted AND pid = ${await startup()}`,
          );
          return rows.length === 1;
        });
        await readersWait();
        const { blocking, proposals, findings } = await look();
        expect(blocking.roots).toEqual([{ pid: long.pid, victims: readers + 1 }]);
        expect(findings.map(({ id }) => id)).toContain('lock-waits');
        expect(proposals).toMatchObject([
          { option: 'D', subject: `${long.pid}`, command: 'propose D' },
        ]);
        const plan = await optionD(pair.standby, { limits }).propose({ kind: 'stop-blockers' });
        expect(plan.ok && plan.value.targets).toMatchObject([
          { identity: { pid: long.pid }, victims: readers + 1 },
        ]);
      });

      test('the oldest snapshot that replay waits for is the root', async () => {
        const [long] = await standby.openMany(1, { user, application: applications[0] });
        if (long === undefined) throw new Error('Nobody reads.');
        await long.run(
          'BEGIN ISOLATION LEVEL REPEATABLE READ',
          `SELECT count(*) FROM other_${table}`,
        );
        await primary.ask(`DELETE FROM other_${table}`);
        const ddl = await primary.open();
        await ddl.run('BEGIN', `LOCK ${table} IN ACCESS EXCLUSIVE MODE`);
        await until('replay holds the lock', async () => {
          await flush();
          const rows = await standby.ask(
            `SELECT FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' AND relation = '${table}'::regclass`,
          );
          return rows.length > 0;
        });
        await primary.ask(`VACUUM other_${table}`);
        await until('replay waits for a snapshot', async () => {
          const rows = await standby.ask(
            `SELECT FROM pg_stat_activity WHERE backend_type = 'startup' AND wait_event = 'RecoveryConflictSnapshot'`,
          );
          return rows.length === 1;
        });
        await readersWait();
        const { blocking, proposals } = await look();
        expect(blocking.roots).toEqual([{ pid: long.pid, victims: readers + 1 }]);
        expect(proposals.map(({ subject }) => subject)).toEqual([`${long.pid}`]);
      });

      test('replay that only waits for the primary is skipped, and the primary is named', async () => {
        await until('the lock of the scene before is gone', async () => {
          await flush();
          const rows = await standby.ask(
            `SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = '${table}'::regclass`,
          );
          return rows.length === 0;
        });
        const ddl = await primary.open();
        await ddl.run('BEGIN', `LOCK ${table} IN ACCESS EXCLUSIVE MODE`);
        await until('replay holds the lock', async () => {
          await flush();
          const rows = await standby.ask(
            `SELECT FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' AND relation = '${table}'::regclass`,
          );
          return rows.length > 0;
        });
        await readersWait();
        const pid = await startup();
        const { proposals } = await look();
        expect(proposals).toMatchObject([{ option: 'D', subject: `${pid}` }]);
        expect(proposals[0]?.blocked).toContain('open on the primary');
        expect(proposals[0]).not.toHaveProperty('command');
        const refused = await optionD(pair.standby, { limits }).propose({ kind: 'stop-blockers' });
        expect(refused.ok).toBe(false);
      });
    },
  );
});

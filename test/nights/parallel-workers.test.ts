import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import { majors } from '../support/breadth.ts';
import { until } from '../support/until.ts';
import { useNightServer } from './support/night-server.ts';
import { optionD } from './support/option-d.ts';
import { variants } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 23: a parallel worker is part of its leader: it is no waiter, no root and no target of its own. */
describe.for(majors)('PostgreSQL %i', (major) => {
  const night = useNightServer({
    major,
    settings: {
      max_connections: 40,
      max_worker_processes: 16,
      max_parallel_workers: 12,
      max_parallel_workers_per_gather: 3,
      parallel_setup_cost: 0,
      parallel_tuple_cost: 0,
      min_parallel_table_scan_size: 0,
      parallel_leader_participation: 'off',
      deadlock_timeout: '10min',
      autovacuum: 'off',
    },
  });

  describe.each(variants)(
    'workers that wait for a lock ($seed)',
    ({ seeded, table, user, applications }) => {
      const leaders = seeded.between(1, 3);

      beforeAll(async () => {
        const { sessions } = night;
        await sessions.ask(`CREATE ROLE ${user} LOGIN`);
        await sessions.ask(`CREATE TABLE ${table} AS SELECT i FROM generate_series(1, 20000) i`);
        await sessions.ask(`CREATE TABLE other_${table} (id int)`);
        await sessions.ask(`GRANT ALL ON ${table}, other_${table} TO ${user}`);
        await sessions.ask(
          `CREATE FUNCTION reads_${table}(i int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE AS $$ BEGIN RETURN (SELECT count(*) FROM other_${table}); END $$`,
        );
      });
      afterAll(() => night.sessions.endAll());

      test('are counted as their leaders, in waiters and roots, as pg_blocking_pids says', async () => {
        const { sessions, cluster } = night;
        const [holder] = await sessions.openMany(1, { user, application: applications[1] });
        if (holder === undefined) throw new Error('Nobody holds.');
        await holder.run('BEGIN', `LOCK other_${table} IN ACCESS EXCLUSIVE MODE`);
        const opened = await sessions.openMany(leaders, { user, application: applications[0] });
        for (const one of opened) one.begin(`SELECT sum(reads_${table}(i)) FROM ${table}`);
        await until('workers of every leader wait', async () => {
          const rows = await sessions.ask(
            `SELECT DISTINCT leader_pid FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND wait_event_type = 'Lock'`,
          );
          return rows.length === leaders;
        });
        const truth = await sessions.ask<{ pid: number; pids: number[] }>(
          `SELECT coalesce(leader_pid, pid) AS pid, array_agg(DISTINCT u) AS pids FROM pg_stat_activity, unnest(pg_blocking_pids(pid)) u
          WHERE wait_event_type = 'Lock' GROUP BY 1`,
        );
        const { blocking, proposals } = await diagnoseOnce(cluster, { limits: { lockWaitMs: 1 } });
        expect(new Map(blocking.waiters.map(({ pid, waitsFor }) => [pid, waitsFor]))).toEqual(
          new Map(truth.map(({ pid, pids }) => [pid, pids])),
        );
        expect(new Set(blocking.waiters.map(({ pid }) => pid))).toEqual(
          new Set(opened.map(({ pid }) => pid)),
        );
        expect(blocking.roots).toEqual([{ pid: holder.pid, victims: leaders }]);
        expect(proposals).toMatchObject([{ option: 'D', subject: `${holder.pid}` }]);
        const plan = await optionD(cluster, {
          limits: { ...defaultLimits, lockWaitMs: 1 },
        }).propose({ kind: 'stop-blockers' });
        expect(plan.ok && plan.value.targets).toMatchObject([
          { identity: { pid: holder.pid }, victims: leaders },
        ]);
        await sessions.endAll();
      });

      test('hold a lock in the name of their leader, and the worker is nobody’s target', async () => {
        const { sessions, cluster } = night;
        const [leader] = await sessions.openMany(1, { user, application: applications[0] });
        if (leader === undefined) throw new Error('Nobody leads.');
        leader.begin(
          `SELECT count(*) FROM ${table} WHERE pg_sleep(0.05) IS NOT NULL AND reads_${table}(i) >= 0`,
        );
        await until('its workers hold locks', async () => {
          const rows = await sessions.ask(
            `SELECT FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid WHERE a.leader_pid = ${leader.pid} AND l.relation = 'other_${table}'::regclass`,
          );
          return rows.length > 0;
        });
        const ddl = await sessions.open({ user: 'postgres', application: applications[1] });
        ddl.begin(`ALTER TABLE other_${table} ADD COLUMN extra int`);
        await until('it waits', async () => {
          const rows = await sessions.ask(
            `SELECT WHERE cardinality(pg_blocking_pids(${ddl.pid})) > 0`,
          );
          return rows.length > 0;
        });
        const { blocking } = await diagnoseOnce(cluster, { limits: { lockWaitMs: 1 } });
        expect(blocking.roots).toEqual([{ pid: leader.pid, victims: 1 }]);
        const [worker] = await sessions.ask<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE leader_pid = ${leader.pid} LIMIT 1`,
        );
        const refused = await optionD(cluster).propose({
          kind: 'stop-session',
          pid: worker?.pid ?? 0,
          how: 'terminate',
        });
        expect(refused).toMatchObject({ ok: false, refusal: { kind: 'skipped' } });
      });
    },
  );
});

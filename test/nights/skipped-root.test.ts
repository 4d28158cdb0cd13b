import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import type { Target } from '../../src/runbook/snapshot/target.ts';
import { until } from '../support/until.ts';
import { useNightServer } from './support/night-server.ts';
import { optionD } from './support/option-d.ts';
import { variants } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 18: a root blocker that is protected is skipped in the proposal as in the plan, and the reason says what else helps. */
const night = useNightServer({
  settings: {
    max_connections: 40,
    autovacuum_naptime: '1s',
    autovacuum_vacuum_cost_delay: '100ms',
    autovacuum_vacuum_cost_limit: 1,
    autovacuum_freeze_max_age: 100000,
    log_autovacuum_min_duration: 0,
  },
});
const limits = { ...defaultLimits, lockWaitMs: 1 };

describe.each(variants)(
  'a protected root blocker ($seed)',
  ({ seeded, table, user, applications }) => {
    const waiters = seeded.between(3, 7);

    beforeAll(async () => {
      await night.sessions.ask(`CREATE ROLE ${user} LOGIN`);
      await night.sessions.ask(`CREATE TABLE ${table} (id int) WITH (autovacuum_enabled = off)`);
      await night.sessions.ask(`GRANT ALL ON ${table} TO ${user}`);
    });
    afterEach(() => night.sessions.endAll());

    async function judge(target: Partial<Target>, root: number): Promise<string> {
      const { proposals, blocking } = await diagnoseOnce(night.cluster, { limits, target });
      expect(blocking.roots).toEqual([{ pid: root, victims: waiters }]);
      const stop = proposals.filter(({ option }) => option === 'D');
      expect(stop).toHaveLength(1);
      expect(stop[0]).not.toHaveProperty('command');
      const refused = await optionD(night.cluster, { limits, ...target }).propose({
        kind: 'stop-blockers',
      });
      expect(refused.ok ? '' : refused.refusal.why).toContain('skipped');
      return stop[0]?.blocked ?? '';
    }

    async function wait(statement: string): Promise<void> {
      const opened = await night.sessions.openMany(waiters, {
        user: 'postgres',
        application: applications[1],
      });
      for (const one of opened) one.begin(statement);
      await until('they wait', async () => {
        const rows = await night.sessions.ask(
          `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = '${applications[1]}'`,
        );
        return rows.length === waiters;
      });
    }

    test('a backup by its application name', async () => {
      const [backup] = await night.sessions.openMany(1, { user, application: applications[0] });
      if (backup === undefined) throw new Error('Nobody backs up.');
      await backup.run('BEGIN', `LOCK ${table} IN ACCESS EXCLUSIVE MODE`);
      await wait(`SELECT * FROM ${table}`);
      const blocked = await judge({ protectedApplications: [applications[0]] }, backup.pid);
      expect(blocked).toContain('a protected application');
      expect(blocked).toContain('Wait until it finishes');
    });

    test('a superuser who is no application', async () => {
      const admin = await night.sessions.open({ user: 'postgres', application: applications[0] });
      await admin.run('BEGIN', `LOCK ${table} IN ACCESS EXCLUSIVE MODE`);
      await wait(`SELECT * FROM ${table}`);
      expect(await judge({}, admin.pid)).toContain('applicationRoles');
    });

    test('an autovacuum that prevents wraparound', async () => {
      const old = `old_${table}`;
      await night.sessions.ask(
        `CREATE TABLE ${old} AS SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i`,
      );
      await night.sessions.ask(
        `ALTER TABLE ${old} SET (autovacuum_freeze_max_age = 100000, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)`,
      );
      await night.sessions.ask(
        `UPDATE pg_class SET relfrozenxid = ((txid_current() + 4294967296 - 200000) % 4294967296)::text::xid WHERE relname = '${old}'`,
      );
      let worker = 0;
      await until('autovacuum works on it', async () => {
        const rows = await night.sessions.ask<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND query LIKE '%${old}%wraparound)'`,
        );
        worker = rows[0]?.pid ?? 0;
        return rows.length === 1;
      });
      await wait(`ANALYZE ${old}`);
      const blocked = await judge({}, worker);
      expect(blocked).toContain('against wraparound');
      expect(blocked).toContain('autovacuum_vacuum_cost_delay');
    });
  },
);

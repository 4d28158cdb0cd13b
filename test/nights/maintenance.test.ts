import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import { majors } from '../support/breadth.ts';
import type { Session } from '../support/sessions.ts';
import { until } from '../support/until.ts';
import { useNightServer } from './support/night-server.ts';
import { optionD } from './support/option-d.ts';
import { variants } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 27: a build or a rewrite at the head of the queue is named with its progress, not "lock contention". */
describe.for(majors)('PostgreSQL %i', (major) => {
  const night = useNightServer({ major, settings: { max_connections: 40, autovacuum: 'off' } });
  const limits = { ...defaultLimits, lockWaitMs: 1, slowQueryMs: 1 };

  beforeAll(async () => {
    await night.sessions.ask('GRANT CREATE ON SCHEMA public TO PUBLIC');
    await night.sessions.ask(
      `CREATE FUNCTION slowly(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(0.2); RETURN i; END $$`,
    );
  });

  describe.each(variants)(
    'work on a table that many wait for ($seed)',
    ({ seeded, table, user, applications }) => {
      const writers = seeded.between(4, 9);

      beforeAll(async () => {
        await night.sessions.ask(`CREATE ROLE ${user} LOGIN`);
        await night.sessions.ask(
          `CREATE TABLE ${table} AS SELECT i FROM generate_series(1, 5000) i`,
        );
        await night.sessions.ask(`ALTER TABLE ${table} OWNER TO ${user}`);
      });
      afterEach(() => night.sessions.endAll());

      async function begin(statement: string, victims: string): Promise<Session> {
        const builder = await night.sessions.open({ user, application: applications[0] });
        builder.begin(statement);
        await until('it works on the table', async () => {
          const rows = await night.sessions.ask(
            `SELECT FROM pg_locks WHERE pid = ${builder.pid} AND relation = '${table}'::regclass AND granted`,
          );
          return rows.length > 0;
        });
        const opened = await night.sessions.openMany(writers, {
          user,
          application: applications[1],
        });
        for (const one of opened) one.begin(victims);
        await until('they wait', async () => {
          const rows = await night.sessions.ask(
            `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`,
          );
          return rows.length === writers;
        });
        return builder;
      }

      async function look(): Promise<Diagnosis> {
        return diagnoseOnce(night.cluster, { limits });
      }

      test('an index build is named with its phase, and what a cancel costs', async () => {
        const { pid } = await begin(
          `/* ours */ CREATE INDEX ON ${table} (slowly(i))`,
          `INSERT INTO ${table} VALUES (1)`,
        );
        const { verdict, causes, findings, proposals } = await look();
        expect(verdict).toMatch(
          new RegExp(
            `^Likely cause: maintenance\\. CREATE INDEX \\(.*"building index.*"\\) in session ${pid} blocks ${writers} sessions`,
          ),
        );
        expect(causes).toEqual([]);
        expect(findings.map(({ id }) => id)).not.toContain('slow-queries');
        expect(findings.find(({ id }) => id === 'maintenance')?.fix).toContain('invalid index');
        expect(proposals).toMatchObject([{ option: 'D', subject: `${pid}` }]);
        expect(proposals[0]?.summary).toContain('starts over');
      });

      test('a rewrite that reports no progress is named by its verb', async () => {
        const { pid } = await begin(
          `ALTER TABLE ${table} ALTER i TYPE bigint USING slowly(i)`,
          `SELECT count(*) FROM ${table}`,
        );
        const { verdict, causes, findings } = await look();
        expect(verdict).toContain(
          `maintenance. ALTER in session ${pid} blocks ${writers} sessions`,
        );
        expect(causes).toEqual([]);
        expect(findings.map(({ id }) => id)).not.toContain('slow-queries');
        const slow = await optionD(night.cluster, { limits }).propose({
          kind: 'cancel-slow',
          runningForMs: 1,
        });
        expect(slow.ok).toBe(false);
      });

      test('a concurrent build is not cancelled for those who wait behind it', async () => {
        const { pid } = await begin(
          `CREATE INDEX CONCURRENTLY ON ${table} (slowly(i))`,
          `ANALYZE ${table}`,
        );
        const { proposals, findings } = await look();
        expect(findings.map(({ id }) => id)).toContain('maintenance');
        expect(proposals[0]?.blocked).toContain(
          `Session ${pid} is skipped: a concurrent index build`,
        );
        const refused = await optionD(night.cluster, { limits }).propose({ kind: 'stop-blockers' });
        expect(refused.ok ? '' : refused.refusal.why).toContain('invalid index');
      });
    },
  );
});

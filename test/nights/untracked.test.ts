import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../support/breadth.ts';
import { until } from '../support/until.ts';
import { useNightServer } from './support/night-server.ts';
import { variants } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 28: with track_activities off nobody is "fine": it is said, and judged by where they wait. */
describe.for(majors)('PostgreSQL %i', (major) => {
  const night = useNightServer({ major, settings: { max_connections: 40 } });

  describe.each(variants)(
    'an application that is not tracked ($seed)',
    ({ seeded, user, applications }) => {
      const [idle, open, busy] = [seeded.between(3, 6), seeded.between(2, 5), seeded.between(1, 4)];

      beforeAll(async () => {
        const { sessions } = night;
        await sessions.ask(`CREATE ROLE ${user} LOGIN`);
        await sessions.ask(`ALTER ROLE ${user} SET track_activities = off`);
        const opened = await sessions.openMany(idle + open + busy, {
          user,
          application: applications[0],
        });
        for (const one of opened.slice(0, open)) await one.run('BEGIN', 'SELECT 1');
        for (const one of opened.slice(open, open + busy)) one.begin('SELECT pg_sleep(600)');
        await until('they are at it', async () => {
          // PostgreSQL 13 shows no waits of theirs, but that each has taken its snapshot.
          const rows = await sessions.ask(
            `SELECT FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()`,
          );
          return rows.length === busy;
        });
      });
      afterAll(() => night.sessions.endAll());

      test('is said, with what each waits for', async () => {
        const { state, findings, capacity } = await diagnoseOnce(night.cluster);
        const all = idle + open + busy;
        expect(state).toBe('warning');
        expect(capacity?.byState.other).toBe(all);
        const found = findings.find(({ id }) => id === 'activity-not-tracked');
        expect(found?.summary).toContain(`${all} sessions do not report`);
        expect(found?.summary).toContain(
          major < 14
            ? `Their waits are not visible either; ${open + busy} hold a transaction`
            : `${busy} active and ${idle + open} idle, ${open} of them in a transaction`,
        );
        expect(found?.fix).toContain('track_activities');
      });

      test('on a server that is nearly full no cause is claimed, nor that all are at work', async () => {
        const limits = { warningUtilisation: 0.1, criticalUtilisation: 0.15, criticalFreeSlots: 5 };
        const { state, verdict, causes } = await diagnoseOnce(night.cluster, { limits });
        expect(state).toBe('critical');
        expect(causes).toEqual([]);
        expect(verdict).toContain('do not report their activity');
      });
    },
  );
});

import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { useNightServer } from './support/night-server.ts';
import { watch } from './support/night.ts';
import { everyVariant } from './support/variants.ts';

/** Night 16: deadlocks between two checks, by the server's counter, where no log can be read. */
const night = useNightServer({ settings: { max_connections: 40, deadlock_timeout: '10ms' } });

describe.each(everyVariant)(
  'deadlocks without a log ($seed)',
  ({ seeded, user, table, applications }) => {
    const deadlocks = seeded.between(3, 6);
    const counter = 'SELECT sum(deadlocks)::int AS n FROM pg_stat_database';

    test('are counted since an earlier check, and named', async () => {
      const { sessions, cluster } = night;
      await sessions.ask(`CREATE ROLE ${user} LOGIN`);
      await sessions.ask(`CREATE TABLE ${table} AS SELECT i FROM generate_series(1, 2) i`);
      await sessions.ask(`GRANT ALL ON ${table} TO ${user}`);
      const monitor = watch(cluster);
      try {
        expect((await monitor.diagnose('night')).causes).toEqual([]);
        const [before] = await sessions.ask<{ n: number }>(counter);
        const [one, two] = await sessions.openMany(2, { user, application: applications[0] });
        for (let index = 0; index < deadlocks; index += 1) {
          await one?.run('BEGIN', `UPDATE ${table} SET i = 1 WHERE i = 1`);
          await two?.run('BEGIN', `UPDATE ${table} SET i = 2 WHERE i = 2`);
          // One of the two is broken off, and the other goes on.
          await Promise.allSettled([
            one?.run(`UPDATE ${table} SET i = 2 WHERE i = 2`),
            two?.run(`UPDATE ${table} SET i = 1 WHERE i = 1`),
          ]);
          for (const session of [one, two]) await session?.run('ROLLBACK');
        }
        await until('the server has counted them', async () => {
          const [now] = await sessions.ask<{ n: number }>(counter);
          return (now?.n ?? 0) >= (before?.n ?? 0) + deadlocks;
        });
        const { state, verdict, findings, causes } = await monitor.diagnose('night');
        expect(state).toBe('warning');
        expect(findings.find(({ id }) => id === 'deadlocks')?.summary).toContain(
          `${deadlocks} deadlocks`,
        );
        expect(causes).toMatchObject([{ cause: 'lock-contention' }]);
        expect(causes[0]?.because.join()).toContain(
          `PostgreSQL has counted ${deadlocks} deadlocks`,
        );
        expect(verdict).toContain('lock contention');
        await sessions.ask('SELECT pg_stat_reset()');
        expect((await monitor.diagnose('night')).findings.map(({ id }) => id)).not.toContain(
          'deadlocks',
        );
      } finally {
        await monitor.close();
      }
    });
  },
);

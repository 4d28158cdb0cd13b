import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { useNightServer } from './support/night-server.ts';
import { variants } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 15: a few forgotten transactions on a server that idle pools have filled. */
const server = useNightServer({ settings: { max_connections: 100 } });

describe.each(variants)('in proportion ($seed)', ({ seeded, applications, user, table }) => {
  const left = seeded.between(3, 4);

  beforeAll(async () => {
    await server.sessions.ask(`CREATE ROLE ${user} LOGIN`);
    await server.sessions.ask(`CREATE TABLE ${table} (id int)`);
    await server.sessions.ask(`GRANT ALL ON ${table} TO ${user}`);
    for (const application of applications) {
      await server.sessions.openMany(27, { user, application });
    }
    const forgotten = await server.sessions.openMany(left, { user, application: applications[0] });
    for (const session of forgotten) await session.run('BEGIN', `SELECT * FROM ${table}`);
    await until('all have rested', async () => {
      const rows = await server.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE usename = '${user}' AND now() - state_change > interval '1.1 s'`,
      );
      return rows.length === 81 + left;
    });
  });
  afterAll(() => server.sessions.endAll());

  test('the idle ones are the subject, and the few are not blamed', async () => {
    const limits = { idleInTransactionWarningMs: 1_000 };
    const { state, causes, verdict, findings, proposals } = await diagnoseOnce(server.cluster, {
      limits,
    });
    expect(state).toBe('warning');
    const named = causes.map(({ cause }) => cause);
    expect(named).not.toContain('connection-leak');
    expect(named).not.toContain('uncommitted-transactions');
    expect(verdict).not.toContain('leak');
    expect(causes[0]?.cause).toBe('application-scaling');
    // They are told, as what they are.
    expect(findings.map(({ id }) => id)).toContain('idle-in-transaction');
    expect(proposals.map(({ option }) => option)).not.toContain('C');
  });
});

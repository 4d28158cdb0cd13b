import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import { exitCodeOf } from '../../src/terminal/output.ts';
import { databaseOptions } from '../support/database-options.ts';
import { until } from '../support/until.ts';
import { container, containersOf } from './support/containers.ts';
import { useNightServer } from './support/night-server.ts';
import { watch } from './support/night.ts';
import { variants } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 24: the application is a superuser. And a dbconn without pg_monitor, which sees some sessions only. */
const server = useNightServer({ settings: { max_connections: 30 } }, [
  'CREATE ROLE provideradmin LOGIN SUPERUSER',
]);

describe.each(variants)('rights ($seed)', ({ seeded, applications: [service], user }) => {
  const target = { services: [{ name: service, workers: 1 }] };
  const services = containersOf({ [service]: [container(`${service}-1`, { number: 1 })] });
  const watcher = `w${user}`;
  const initial = 'postgres';

  beforeAll(async () => {
    await server.sessions.ask(`CREATE ROLE ${user} LOGIN SUPERUSER`);
    await server.sessions.ask(`CREATE ROLE ${watcher} LOGIN`);
    await server.sessions.ask(`CREATE ROLE app_${user} LOGIN`);
    await server.sessions.ask(`GRANT app_${user} TO ${watcher}`);
  });
  afterEach(() => server.sessions.endAll());

  test('an application as superuser with room left is a warning, fixed for that very role', async () => {
    await server.sessions.openMany(seeded.between(3, 8), { user, application: service });
    const diagnosis = await diagnoseOnce(server.cluster, { target, services });
    const found = diagnosis.findings.find(({ id }) => id === 'superuser-application');
    expect(found).toMatchObject({ severity: 'warning' });
    expect(found?.fix).toContain(`ALTER ROLE "${user}" NOSUPERUSER`);
    expect(found?.fix).not.toContain('ALTER ROLE "app"');
    expect(diagnosis.state).toBe('warning');
    expect(exitCodeOf(diagnosis)).toBe(1);
  });

  test('as the role that initdb made it is given a role of its own', async () => {
    await server.sessions.openMany(4, { application: service });
    const { findings } = await diagnoseOnce(server.cluster, { target, services });
    const { fix } = findings.find(({ id }) => id === 'superuser-application') ?? {};
    expect(fix).toContain(`CREATE ROLE "${initial}_login" LOGIN`);
    expect(fix).not.toContain(`ALTER ROLE "${initial}"`);
  });

  test('it is critical once it holds the reserved slots', async () => {
    const monitor = watch(server.cluster, { target, services });
    try {
      await monitor.diagnose('night');
      await server.sessions.takeAllSlots({ user, application: service });
      const { findings, headline } = await monitor.diagnose('night');
      const found = findings.find(({ id }) => id === 'superuser-application');
      expect(found).toMatchObject({ severity: 'critical' });
      expect(headline).toContain('full');
    } finally {
      await monitor.close();
    }
  });

  test('half a view of a full server is critical, with the GRANT, and the seen ones are judged', async () => {
    const seen = seeded.between(24, 25);
    const opened = await server.sessions.openMany(seen, {
      user: `app_${user}`,
      application: service,
    });
    for (const session of opened) await session.run('BEGIN', 'SELECT 1');
    await until('every transaction has rested for over a second', async () => {
      const rows = await server.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE state = 'idle in transaction' AND now() - state_change > interval '1.1 s'`,
      );
      return rows.length === seen;
    });
    const limits = { ...defaultLimits, idleInTransactionWarningMs: 100 };
    const database = createDatabase(databaseOptions(server.cluster.url(watcher), { limits }));
    const diagnosis = await diagnoseOnce(server.cluster, {
      limits,
      target,
      services,
      more: { database },
    });
    expect(diagnosis.state).toBe('critical');
    expect(exitCodeOf(diagnosis)).toBe(2);
    expect(diagnosis.headline).toMatch(/^At least 2\d of 27 usable connections/);
    const grant = diagnosis.findings.find(({ id }) => id === 'no-pg-monitor');
    expect(grant?.fix).toBe(`GRANT pg_monitor TO "${watcher}";`);
    expect(diagnosis.causes[0]?.cause).toBe('connection-leak');
  });

  test('half a view of a server with room is unknown, and names no cause', async () => {
    await server.sessions.open({ user: 'provideradmin', application: 'provider' });
    await server.sessions.openMany(5, { user: `app_${user}`, application: service });
    const database = createDatabase(databaseOptions(server.cluster.url(watcher)));
    const diagnosis = await diagnoseOnce(server.cluster, { target, services, more: { database } });
    expect(diagnosis.state).toBe('unknown');
    expect(diagnosis.causes).toEqual([]);
  });
});

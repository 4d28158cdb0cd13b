import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { Target } from '../../src/runbook/snapshot/target.ts';
import { until } from '../support/until.ts';
import { container, containersOf } from './support/containers.ts';
import { useNightServer } from './support/night-server.ts';
import { everyVariant } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 10: sessions without a name, people among them. And PgBouncer's application_name_add_host. */
const server = useNightServer({ settings: { max_connections: 30 } });

const limits = { idleInTransactionWarningMs: 1_000 };

describe.each(everyVariant)(
  'who holds the connections ($seed)',
  ({ seeded, applications, user }) => {
    const [service, empty] = applications;
    const users = [1, 2, 3].map((number) => `${user}_${number}`);
    const looked = async (names: readonly string[]): Promise<Diagnosis> => {
      const target: Partial<Target> = {
        services: names.map((name) => ({ name, workers: 1, poolSize: 5, maxOverflow: 10 })),
      };
      const services = containersOf(
        Object.fromEntries(names.map((name) => [name, [container(`${name}-1`, { number: 1 })]])),
      );
      return diagnoseOnce(server.cluster, { limits, target, services });
    };

    beforeAll(async () => {
      for (const name of users) await server.sessions.ask(`CREATE ROLE ${name} LOGIN`);
    });
    afterEach(() => server.sessions.endAll());

    test('without names they are counted by role and address, and people have no pool', async () => {
      const held = users.map((_, index) => seeded.between(6, 7) - index);
      for (const [index, name] of users.entries()) {
        const application = seeded.pick(['', 'PostgreSQL JDBC Driver']);
        await server.sessions.openMany(held[index] ?? 1, { user: name, application });
      }
      await server.sessions.open({ user: users[0] ?? '', application: 'psql' });
      await server.sessions.open({ application: 'pgAdmin 4 - DB:postgres' });
      await until('all are unused', async () => {
        const rows = await server.sessions.ask(
          `SELECT FROM pg_stat_activity WHERE usename LIKE '${user}%' AND now() - state_change > interval '1.2 s'`,
        );
        return rows.length === held.reduce((total, one) => total + one, 1);
      });
      const { holders, sources, causes, proposals } = await looked([empty]);
      const services = holders.filter(({ name }) => users.some((one) => name.startsWith(one)));
      expect(services.map(({ total }) => total)).toEqual(held);
      expect(holders.map(({ name }) => name)).not.toContain('dbconn');
      expect(sources.filter(({ kind }) => kind === 'own')).toHaveLength(1);
      expect(sources.filter(({ kind }) => kind === 'person').length).toBeGreaterThanOrEqual(2);
      for (const { summary } of causes) expect(summary).not.toMatch(/^[4-9] processes/);
      // The configured service holds none of them: nothing of it is restarted or resized.
      expect(proposals.filter(({ subject }) => subject === empty)).toEqual([]);
    });

    const ways: readonly [string, (index: number) => string][] = [
      ['the address of each client', (index) => `${service} - 10.0.0.7:${40_000 + index}`],
      ['a pod', (index) => `${service}-7f9c8-abc${String.fromCodePoint(97 + index)}e`],
      ['a number and a pid', (index) => `${service}-${index} (pid ${4_711 + index})`],
      ['a host', (index) => `${service}@host${index}:5432`],
    ];
    test.for(ways)('names with %s are one holder, judged as with one name', async ([, nameOf]) => {
      const leaked = seeded.between(22, 24);
      const open = async (name: (index: number) => string): Promise<Diagnosis> => {
        const names = Array.from({ length: leaked }, (_, index) => name(index));
        const opened = names.map((application) =>
          server.sessions.open({ user: users[0] ?? '', application }),
        );
        for (const session of await Promise.all(opened)) await session.run('BEGIN', 'SELECT 1');
        await until('all linger', async () => {
          const rows = await server.sessions.ask(
            `SELECT FROM pg_stat_activity WHERE state = 'idle in transaction' AND now() - state_change > interval '1.1 s'`,
          );
          return rows.length === leaked;
        });
        const diagnosis = await looked([service]);
        await server.sessions.endAll();
        return diagnosis;
      };
      const found = await open(nameOf);
      expect(found.holders[0]).toMatchObject({ name: service, service, total: leaked });
      expect(found.causes[0]?.cause).toBe('connection-leak');
      expect(found.proposals.find(({ option }) => option === 'C')?.subject).toBe(service);
      const same = await open(() => service);
      expect(found.causes.map(({ cause }) => cause)).toEqual(same.causes.map(({ cause }) => cause));
      expect(
        found.proposals.map(({ option, subject, slotsFreed }) => [option, subject, slotsFreed]),
      ).toEqual(
        same.proposals.map(({ option, subject, slotsFreed }) => [option, subject, slotsFreed]),
      );
    });
  },
);

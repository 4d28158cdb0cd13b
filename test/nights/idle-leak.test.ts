import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { until } from '../support/until.ts';
import { container, containersOf } from './support/containers.ts';
import { useNightServer } from './support/night-server.ts';
import { variants } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 3: connections that are opened one after another, used once and never given back. No pool tells. */
const server = useNightServer({ settings: { max_connections: 40 } });

const limits = { idleInTransactionWarningMs: 1_000, terminateIdleMs: 1_500 };

describe.each(variants)('an idle leak ($seed)', ({ seeded, applications, user }) => {
  const [service, other] = applications;
  const target = { services: [service, other].map((name) => ({ name, workers: 1 })) };
  const services = containersOf({
    [service]: [container(`${service}-1`, { number: 1 })],
    [other]: [container(`${other}-1`, { number: 1 })],
  });
  const look = async (): Promise<Diagnosis> => {
    return diagnoseOnce(server.cluster, { limits, target, services });
  };
  const isIdleFor = (since: string, least: number) => async (): Promise<boolean> => {
    const rows = await server.sessions.ask(
      `SELECT FROM pg_stat_activity WHERE usename = '${user}' AND state = 'idle' AND now() - ${since} > interval '1.6 s'`,
    );
    return rows.length >= least;
  };

  beforeAll(() => server.sessions.ask(`CREATE ROLE ${user} LOGIN`));
  afterEach(() => server.sessions.endAll());

  test('opened one after another and used once: a connection leak, answered by a restart', async () => {
    const lost = seeded.between(30, 33);
    for (let opened = 0; opened < lost; opened += 1) {
      const session = await server.sessions.open({ user, application: service });
      await session.run(`SELECT * FROM pg_class WHERE oid = ${opened}`);
      await sleep(seeded.between(120, 200));
    }
    await until('all are idle', isIdleFor('state_change', lost));
    const { state, causes, proposals, verdict } = await look();
    expect(state).not.toBe('fine');
    expect(causes[0]?.cause).toBe('connection-leak');
    expect(verdict).toMatch(/^Likely cause: connection leak/);
    // On a busy machine one may need its second to be opened.
    expect(causes[0]?.because[0]).toContain(` of ${lost} connections of ${service}`);
    expect(causes[0]?.against).not.toEqual([]);
    // Before A, after which the pool still counts on what was ended.
    expect(proposals[0]).toMatchObject({
      option: 'C',
      subject: service,
      command: `propose C ${service}`,
    });
    const offered = proposals.map(({ option }) => option);
    expect(offered).not.toContain('E');
    expect(offered).not.toContain('B');
  });

  test('opened at once and idle by design: no cause, and nothing is enlarged or restarted', async () => {
    const kept = seeded.between(28, 32);
    await server.sessions.openMany(kept, { user, application: service });
    await until('all are idle', isIdleFor('state_change', kept));
    await until('the start is long ago, beside the time it took', async () => {
      const [row] = await server.sessions.ask<{ long: boolean }>(
        `SELECT max(backend_start) - min(backend_start) < (now() - min(backend_start)) / 5 AS long
           FROM pg_stat_activity WHERE usename = '${user}'`,
      );
      return row?.long === true;
    });
    const { causes, proposals } = await look();
    expect(causes).toEqual([]);
    expect(proposals.filter(({ option }) => ['B', 'C', 'E'].includes(option))).toEqual([]);
  });

  test('opened one after another, and come back to in turn: no cause', async () => {
    const kept = seeded.between(28, 32);
    const pool = [];
    for (let opened = 0; opened < kept; opened += 1) {
      pool.push(await server.sessions.open({ user, application: service }));
      await sleep(seeded.between(40, 90));
    }
    await until('the oldest is old', isIdleFor('backend_start', kept));
    // First in, first out, as most pools give them.
    for (const session of pool) await session.run('SELECT 1');
    await until('all are idle', isIdleFor('state_change', kept));
    expect((await look()).causes).toEqual([]);
  });
});

import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock as clock } from '../../src/timing.ts';
import { execPsql } from '../../src/docker/exec-psql.ts';
import { readLogLines } from '../../src/docker/logs/read-logs.ts';
import { DockerServices } from '../../src/docker/services.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import type { Services } from '../../src/runbook/snapshot/ports.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import { whyNoEngine } from './engine.ts';
import { eventually } from './eventually.ts';
import { fill } from './fill.ts';
import { run, useStack } from './stack.ts';

type ServicesOptions = ConstructorParameters<typeof DockerServices>[0];

/** `expect.stringMatching`, which is typed as any. */
function like(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

describe.skipIf(await whyNoEngine())('the containers of a compose project', () => {
  const stack = useStack({ replicas: 2, maxConnections: 20 });

  function services(options: Partial<ServicesOptions> = {}): Services {
    return new DockerServices({
      docker: stack.docker,
      project: stack.project,
      services: [{ name: 'backend', workers: 1 }],
      postgresService: 'postgres',
      logTail: 200,
      clock,
      // The machine is slow and shared; how the budgets hold is tried without an engine.
      budgets: { callMs: 10_000, readingMs: 13_500 },
      ...options,
    });
  }

  async function post(path: string, replica = 1): Promise<Response> {
    return fetch((await stack.backendUrl(replica)) + path, { method: 'POST' });
  }

  test('replicas are found by label, with health, addresses and the pool of their environment, and no one-off', async () => {
    const oneoff = await run(stack.docker, stack.project, {
      service: 'backend',
      oneoff: true,
      spec: { Image: 'dbconn-test/backend', Cmd: ['sleep', '300'] },
    });
    try {
      const part = await services().readServices();
      if (!part.ok) throw new Error(part.problem.summary);
      const [backend, postgres] = part.value.services;
      expect(part.value.services.map(({ name, problem }) => ({ name, problem }))).toEqual([
        { name: 'backend', problem: undefined },
        { name: 'postgres', problem: undefined },
      ]);
      expect(backend?.replicas.map(({ number }) => number)).toEqual([1, 2]);
      for (const replica of backend?.replicas ?? []) {
        expect(replica).toMatchObject({
          state: 'running',
          health: 'healthy',
          restarts: 0,
          exitCode: null,
          oomKilled: false,
          addresses: [like(/^\d+\.\d+\.\d+\.\d+$/)],
          pool: {
            size: 5,
            maxOverflow: 10,
            timeoutSeconds: 0.5,
            recycleSeconds: null,
            prePing: null,
          },
        });
        expect(stack.ids.backend.map((id) => id.slice(0, 12))).toContain(replica.id);
        expect(Date.parse(replica.startedAt ?? '')).toBeGreaterThan(Date.now() - 300_000);
      }
      expect(postgres?.replicas).toHaveLength(1);
      expect(JSON.stringify(part)).not.toContain('secret');
    } finally {
      await stack.docker.getContainer(oneoff).remove({ force: true, v: true });
    }
  });

  test('replicas that podman-compose labelled are found as well', async () => {
    const reports = await run(stack.docker, stack.project, {
      service: 'reports',
      podman: true,
      spec: { Image: 'dbconn-test/backend', Cmd: ['sleep', '300'] },
    });
    try {
      const part = await services({ services: [{ name: 'reports', workers: 1 }] }).readServices();
      if (!part.ok) throw new Error(part.problem.summary);
      const [found] = part.value.services;
      expect(found?.replicas.map(({ id, number }) => [id, number])).toEqual([
        [reports.slice(0, 12), 1],
      ]);
    } finally {
      await stack.docker.getContainer(reports).remove({ force: true, v: true });
    }
  });

  test("a leak shows in the process titles, a full pool in the backend's log, and no literal with it", async () => {
    expect((await post('/leak?n=15')).status).toBe(200);
    const url = await stack.backendUrl();
    expect((await fetch(`${url}/query`)).status).toBe(503);
    const part = await services().readServices();
    if (!part.ok) throw new Error(part.problem.summary);
    expect(part.value.postgresProcesses).toMatchObject({
      clients: 15,
      idleInTransaction: 15,
      authenticating: 0,
    });
    expect(part.value.postgresProcesses?.sources).toEqual([
      { user: 'app', database: 'shop', client: like(/^\d/), total: 15 },
    ]);
    const logs = await services().readLogs();
    if (!logs.ok) throw new Error(logs.problem.summary);
    const backend = logs.value.find(({ container }) => container.endsWith('-backend-1'));
    expect(backend?.classes).toContainEqual({
      class: 'pool-timeout',
      // One failure, though its traceback has many lines that speak of the pool.
      count: 1,
      lastAt: like(/^\d{4}-\d\d-\d\dT/),
      example: like(/QueuePool limit of size 5 overflow 10 reached/),
      pool: { size: 5, maxOverflow: 10, timeoutSeconds: 0.5 },
    });
    expect(logs.value.map(({ service }) => service)).toEqual(['backend', 'backend', 'postgres']);
    expect(logs.value.every(({ problem }) => problem === undefined)).toBe(true);
    expect(JSON.stringify(logs)).not.toContain('leaked-literal');
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^sqlalchemy_pool_checked_out 15\.0$/m);
    expect((await post('/release')).status).toBe(200);
  });

  describe('with every slot of ordinary roles taken', () => {
    let clients: Client[] = [];
    const psqlIn = (database: string): ReturnType<typeof execPsql> =>
      execPsql(stack.docker, {
        project: stack.project,
        postgresService: 'postgres',
        user: 'postgres',
        database,
      });

    beforeAll(async () => {
      await Promise.all([1, 2].map((replica) => post('/release', replica)));
      clients = await fill(stack.appUrl);
    });
    afterAll(async () => {
      await Promise.all(clients.map((client) => client.end()));
    });

    test('the exec rung still answers, reads only, and prints nothing but the answer', async () => {
      const sql =
        "BEGIN READ ONLY; SET LOCAL lock_timeout = '250ms'; SELECT 'äø €', count(*) > 9 FROM pg_stat_activity WHERE usename = 'app'; COMMIT";
      expect(await psqlIn('shop')(sql, 10_000)).toBe('äø €|t\n');
      const write = psqlIn('shop')('CREATE TABLE never (a int)', 10_000);
      await expect(write).rejects.toMatchObject({
        exitCode: 3,
        message: 'ERROR:  cannot execute CREATE TABLE in a read-only transaction',
      });
    });

    test('the look itself comes through by the exec rung', async () => {
      const database = createDatabase({
        target: 'shop',
        url: stack.appUrl,
        exec: psqlIn('postgres'),
        providerReserved: 0,
        limits: defaultLimits,
        clock,
      });
      try {
        // The look has 4 s for all rungs, and this machine may be busy.
        const look = await eventually(
          () => database.readSnapshot(),
          ({ reading }) => reading !== undefined,
        );
        expect(look.reach).toMatchObject({ via: 'exec', error: { kind: 'full' } });
        expect(look.reading?.counts.clients).toBeGreaterThanOrEqual(17);
        expect(look.reading?.sources[0]).toMatchObject({ user: 'app', database: 'shop' });
      } finally {
        await database.close();
      }
    });

    test('and the reserved ones too, psql is refused in the words of the server, and titles and logs still tell', async () => {
      const admins = await fill(stack.adminUrl);
      try {
        const failure = await psqlIn('shop')('SELECT 1', 10_000).catch((error: unknown) => error);
        expect(failure).toMatchObject({
          name: 'PsqlFailure',
          exitCode: 2,
          message: like(/sorry, too many clients already/),
        });
        const part = await services().readServices();
        expect(part.ok && part.value.postgresProcesses?.clients).toBe(20);
        const logs = await eventually(
          () => services().readLogs(),
          (logs) => JSON.stringify(logs).includes('slots-full'),
        );
        expect(logs.ok).toBe(true);
      } finally {
        await Promise.all(admins.map((client) => client.end()));
      }
    });
  });

  test('the exec rung gives up in time and leaves no session behind', async () => {
    const psql = execPsql(stack.docker, {
      project: stack.project,
      postgresService: 'postgres',
      user: 'postgres',
      database: 'shop',
    });
    await expect(psql('SELECT pg_sleep(600)', 1_000)).rejects.toThrow(
      /statement timeout|within 1 s/,
    );
    const sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'";
    await eventually(
      () => psql(sleeping, 10_000),
      (count) => count === '0\n',
    );
    await expect(psql("SELECT repeat('x', 2000000)", 10_000)).rejects.toThrow('more than 1 MB');
  });

  test('a line longer than a log frame comes back whole and counts once', async () => {
    expect((await post('/say?bytes=40000', 2)).status).toBe(200);
    const [, id = ''] = stack.ids.backend;
    const bounds = { tail: 200, maxBytes: 1024 * 1024, budgetMs: 10_000 };
    const { lines } = await eventually(
      () => readLogLines(stack.docker, id, bounds),
      ({ lines }) => lines.some(({ text }) => text.includes('connection xxxx')),
    );
    const long = lines.filter(({ text }) => text.includes('xxxx'));
    expect(long).toHaveLength(1);
    expect(long[0]?.text).toMatch(/^INFO backend connection x{32000,}$/);
  });

  test('a stopped replica keeps its exit code and loses its health; a project without containers is named', async () => {
    const id = stack.ids.backend[1] ?? '';
    await stack.docker.getContainer(id).stop({ t: 5 });
    try {
      const part = await services().readServices();
      const replica = part.ok ? part.value.services[0]?.replicas[1] : undefined;
      expect(replica).toMatchObject({ state: 'exited', health: 'none', exitCode: 0, number: 2 });
    } finally {
      await stack.docker.getContainer(id).start();
    }
    const other = await services({ project: `${stack.project}-other` }).readServices();
    expect(other).toMatchObject({
      ok: true,
      value: {
        services: [{ name: 'backend', problem: { kind: 'missing' } }, { name: 'postgres' }],
      },
    });
  });
});

import { describe, expect, test } from 'vitest';
import { DockerServices } from '../../src/docker/services.ts';
import type { Part, ServiceLogs, ServicesReading } from '../../src/runbook/snapshot/snapshot.ts';
import {
  bytes,
  frame,
  html,
  inspected,
  json,
  labelsOf,
  listed,
  silence,
  startFakeEngine,
} from './fake-engine.ts';
import type { Answer, Routes } from './fake-engine.ts';

type ServicesOptions = ConstructorParameters<typeof DockerServices>[0];

const clock = {
  now: () => Date.now(),
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
};
const at = '2026-11-23T03:00:00.123456789Z';
const twoReplicas = [listed('backend', 2), listed('backend', 1)];

interface Looked {
  services: Part<ServicesReading>;
  logs: Part<readonly ServiceLogs[]>;
  requests: readonly string[];
}

/** Reads both parts through a real dockerode from an engine that answers so, however busy this machine is. */
function look(routes: Routes, options: Partial<ServicesOptions> = {}): Promise<Looked> {
  return lookInTime(routes, { budgets: { callMs: 60_000, readingMs: 60_000 }, ...options });
}

/** Within the budgets of production, unless others are given. */
async function lookInTime(routes: Routes, options: Partial<ServicesOptions> = {}): Promise<Looked> {
  await using engine = await startFakeEngine(routes);
  const services = new DockerServices({
    docker: engine.docker,
    project: 'shop',
    services: [{ name: 'backend', workers: 1 }],
    logTail: 200,
    clock,
    ...options,
  });
  const [read, logs] = await Promise.all([services.readServices(), services.readLogs()]);
  return { services: read, logs, requests: engine.requests };
}

function valueOf<T>(part: Part<T>): T {
  if (!part.ok) throw new Error(part.problem.summary);
  return part.value;
}

const noLogs: Routes = { '/logs': bytes() };

// Most of them wait for a time-out.
describe.concurrent('the services of a project', () => {
  test('are asked for by label, one-offs left out, and come in the order of their numbers', async () => {
    const oneoff = { Labels: { ...labelsOf('backend', 3), 'com.docker.compose.oneoff': 'True' } };
    const { services, requests } = await look({
      '/containers/json': json(200, [...twoReplicas, listed('backend', 3, oneoff)]),
      '/json': json(200, inspected()),
      ...noLogs,
    });
    expect(requests[0]).toContain('"com.docker.compose.project=shop"');
    expect(requests[0]).toContain('all=true');
    const [backend] = valueOf(services).services;
    expect(backend?.replicas.map(({ number, name }) => [number, name])).toEqual([
      [1, 'shop-backend-1'],
      [2, 'shop-backend-2'],
    ]);
    expect(backend?.problem).toBeUndefined();
    expect(valueOf(services).postgresProcesses).toBeUndefined();
  });

  test('one replica that hangs is reported from the list, and delays the others not at all', async () => {
    const { services } = await look(
      {
        '/containers/json': json(200, twoReplicas),
        '/backend1.*/json': silence(),
        '/json': json(200, inspected()),
        ...noLogs,
      },
      { budgets: { callMs: 4_000, readingMs: 20_000 } },
    );
    const [backend] = valueOf(services).services;
    expect(backend?.problem).toMatchObject({ kind: 'timeout' });
    expect(backend?.problem?.summary).toContain('container shop-backend-1 within 4 s');
    expect(backend?.replicas).toMatchObject([
      { number: 1, health: 'healthy', startedAt: null, pool: { size: null } },
      { number: 2, startedAt: at, pool: { size: 7 } },
    ]);
    expect(services.tookMs).toBeGreaterThanOrEqual(3_990);
  });

  test('an engine that hangs at the list costs the budget and no more, on both parts', async () => {
    const { services, logs } = await lookInTime({ '': silence() });
    for (const part of [services, logs]) {
      expect(part).toMatchObject({ ok: false, problem: { kind: 'timeout' } });
      expect(part.tookMs).toBeGreaterThanOrEqual(1_990);
    }
  });

  test('all calls together stay within the budget of the reading', async () => {
    const slowList: Answer = (request, response) => {
      setTimeout(() => json(200, twoReplicas)(request, response), 1_000);
    };
    const began = Date.now();
    const { services, logs } = await look(
      { '/containers/json': slowList, '': silence() },
      { budgets: { callMs: 60_000, readingMs: 2_000 } },
    );
    expect(Date.now() - began).toBeLessThan(15_000);
    expect(services).toMatchObject({ value: { services: [{ problem: { kind: 'timeout' } }] } });
    expect(valueOf(logs).map(({ problem }) => problem?.kind)).toEqual(['timeout', 'timeout']);
  });

  test('a service without containers, and more replicas than are looked at, are said', async () => {
    const many = Array.from({ length: 60 }, (_, index) => listed('backend', index + 1));
    const { services, requests } = await look(
      { '/containers/json': json(200, many), '/json': json(200, inspected()), ...noLogs },
      { postgresService: 'db' },
    );
    const [backend, db] = valueOf(services).services;
    expect(backend?.replicas).toHaveLength(50);
    expect(backend?.problem?.summary).toContain('Of the 60 replicas');
    expect(requests.filter((line) => line.endsWith('/json'))).toHaveLength(50);
    expect(db).toMatchObject({ name: 'db', replicas: [], problem: { kind: 'missing' } });
  });

  test('a proxy that refuses fails the part with its fix, and its page is not repeated', async () => {
    const { services, logs } = await look({ '': html(403) });
    for (const part of [services, logs]) {
      expect(part).toMatchObject({ ok: false, problem: { kind: 'forbidden' } });
      expect(JSON.stringify(part)).not.toContain('s3cret');
    }
  });

  test("process titles that cannot be had are postgres' problem and nobody else's", async () => {
    const routes = {
      '/containers/json': json(200, [listed('postgres', 1), ...twoReplicas]),
      '/json': json(200, inspected()),
      ...noLogs,
    };
    const refused = await look({ ...routes, '/top': html(403) }, { postgresService: 'postgres' });
    expect(valueOf(refused.services)).toMatchObject({
      services: [{ name: 'backend' }, { name: 'postgres', problem: { kind: 'forbidden' } }],
    });
    expect(valueOf(refused.services).services[0]?.problem).toBeUndefined();
    const top = json(200, {
      Titles: ['PID', 'COMMAND'],
      Processes: [['9', 'postgres: app shop 172.18.0.3(1) idle']],
    });
    const { services } = await look({ ...routes, '/top': top }, { postgresService: 'postgres' });
    expect(valueOf(services).postgresProcesses).toMatchObject({ clients: 1, idle: 1 });
  });
});

describe.concurrent('the logs of a project', () => {
  const list = { '/containers/json': json(200, [listed('backend', 1)]) };
  const line = `${at} FATAL:  sorry, too many clients already\n`;

  test('are bounded in the question: tail, timestamps, and since in seconds; never followed', async () => {
    const { requests } = await look(
      { ...list, ...noLogs, '/json': json(200, inspected()) },
      { logTail: 77, logSinceMs: 60_000 },
    );
    const asked = new URL(
      requests.find((line) => line.includes('/logs'))?.slice(4) ?? '',
      'http://e',
    );
    const { since, ...others } = Object.fromEntries(asked.searchParams);
    expect(others).toEqual({ stdout: '1', stderr: '1', timestamps: '1', tail: '77' });
    expect(Number(since)).toBeGreaterThan(Date.now() / 1000 - 120);
    expect(Number(since)).toBeLessThan(Date.now() / 1000 - 59);
  });

  test('of a terminal, in which one line is JSON, are read like any other', async () => {
    const text = `${at} {"error":"sorry, too many clients already"}\r\n`;
    const { logs } = await look({ ...list, '/logs': bytes(Buffer.from(text)) });
    expect(valueOf(logs)).toMatchObject([
      { linesRead: 1, classes: [{ class: 'slots-full', count: 1, lastAt: at }] },
    ]);
  });

  test('that stop coming give what had come, and say so', async () => {
    const stalls: Answer = (_request, response) => {
      response.writeHead(200);
      response.write(Buffer.concat([frame(line), frame(line).subarray(0, 20)]));
    };
    const { logs } = await look(
      { ...list, '/logs': stalls },
      { budgets: { callMs: 1_000, readingMs: 20_000 } },
    );
    expect(valueOf(logs)).toMatchObject([
      {
        service: 'backend',
        container: 'shop-backend-1',
        linesRead: 1,
        classes: [{ class: 'slots-full', count: 1 }],
        problem: { kind: 'timeout' },
      },
    ]);
  });

  test('of any length keep their newest megabyte', async () => {
    const old = frame(`${at} deadlock detected ${'x'.repeat(16_000)}\n`);
    const chunks = [...Array.from({ length: 400 }, () => old), frame(line)];
    const { logs } = await look(
      { ...list, '/logs': bytes(...chunks) },
      { budgets: { callMs: 20_000, readingMs: 20_000 } },
    );
    const [backend] = valueOf(logs);
    expect(backend?.classes.map((found) => found.class)).toEqual(['deadlock', 'slots-full']);
    expect(backend?.linesRead).toBeGreaterThan(60);
    expect(backend?.linesRead).toBeLessThan(67);
  });

  test('of many replicas share eight megabytes', async () => {
    const replicas = Array.from({ length: 16 }, (_, index) => listed('backend', index + 1));
    const chunks = Array.from({ length: 100 }, () => frame(`${at} ${'x'.repeat(16_000)}\n`));
    const { logs } = await look(
      { '/containers/json': json(200, replicas), '/logs': bytes(...chunks) },
      { budgets: { callMs: 25_000, readingMs: 25_000 } },
    );
    const read = valueOf(logs).map(({ linesRead }) => linesRead);
    expect(read).toHaveLength(16);
    expect(Math.max(...read)).toBeLessThan(34);
    expect(Math.min(...read)).toBeGreaterThan(30);
  });

  test.for<[string, Answer, string]>([
    [
      'a driver that keeps none',
      json(501, { message: 'configured logging driver does not support reading' }),
      'unsupported',
    ],
    [
      'the same on an old engine',
      json(500, { message: 'configured logging driver does not support reading' }),
      'unsupported',
    ],
    ['a proxy that forbids them', html(403), 'forbidden'],
    ['a page in their place', html(404), 'invalid'],
    ['a container just removed', json(404, { message: 'No such container: x' }), 'missing'],
    ['no log at all', bytes(Buffer.from([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])), 'invalid'],
  ])('%s is a problem of that container only', async ([, answer, kind]) => {
    const { logs } = await look({ ...list, '/logs': answer });
    expect(valueOf(logs)).toMatchObject([{ linesRead: 0, classes: [], problem: { kind } }]);
    expect(JSON.stringify(logs)).not.toMatch(/s3cret|</);
  });
});

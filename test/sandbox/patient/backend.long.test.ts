import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startCluster } from '../../support/clusters.ts';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { createShop } from '../../../sandbox/patient/schema.ts';
import { patienceMs } from '../../support/until.ts';

const program = fileURLToPath(new URL('../../../sandbox/patient/backend.ts', import.meta.url));
const backendProcess = new URL('../../../sandbox/patient/backend-process.ts', import.meta.url);

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ settings: { max_connections: 20 } });
  await createShop(cluster);
});

afterAll(() => cluster.close());

interface Running {
  readonly url: string;
  readonly lines: string[];
}

/** Starts the program as the README says, with environment variables only. */
async function runBackend(environment: Record<string, string>): Promise<Running> {
  const child = spawn(process.execPath, [program], {
    env: {
      DATABASE_URL: cluster.url('app', 'shop'),
      PORT: '0',
      NODE_NO_WARNINGS: '1',
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  });
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
  await expect.poll(() => lines.join('\n'), { timeout: patienceMs }).toContain('listening on');
  const port = /listening on (\d+)/.exec(lines.join('\n'))?.[1] ?? '';
  return { url: `http://127.0.0.1:${port}`, lines };
}

async function read(url: string, method = 'GET'): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { method, headers: { connection: 'close' } });
  return { status: response.status, text: await response.text() };
}

test('serves a request through its pool and shows the pool in its metrics', async () => {
  const { url } = await runBackend({ DATABASE_POOL_SIZE: '2', DATABASE_MAX_OVERFLOW: '1' });
  expect(await read(`${url}/healthz`)).toMatchObject({ status: 200 });
  expect(await read(`${url}/orders`)).toMatchObject({ status: 200 });
  const { text } = await read(`${url}/metrics`);
  expect(text).toContain('sqlalchemy_pool_size{pool="default"} 2');
  expect(text).toContain('sqlalchemy_pool_max_overflow{pool="default"} 1');
  expect(text).toContain('sqlalchemy_pool_checked_in{pool="default"} 1');
  expect(text).toContain('sqlalchemy_pool_overflow{pool="default"} -1');
});

test('answers 503 and logs the time-out when its pool is dry', async () => {
  const { url, lines } = await runBackend({
    DATABASE_POOL_SIZE: '1',
    DATABASE_MAX_OVERFLOW: '0',
    DATABASE_POOL_TIMEOUT: '0.2',
  });
  const leak = new URLSearchParams({ kind: 'leak', everyMs: '1', mode: 'transaction' }).toString();
  expect(await read(`${url}/activity?${leak}`, 'POST')).toMatchObject({ status: 202 });
  await expect
    .poll(() => lines.join('\n'), { timeout: patienceMs })
    .toContain('QueuePool limit of size 1 overflow 0');
  expect(await read(`${url}/orders`)).toMatchObject({ status: 503 });
});

test('logs what PostgreSQL said when it refuses, and counts it by SQLSTATE', async () => {
  const { url, lines } = await runBackend({
    DATABASE_URL: cluster.url('app', 'no_such_database'),
  });
  expect(await read(`${url}/orders`)).toMatchObject({ status: 503 });
  expect(lines.join('\n')).toContain('failed: FATAL:  database "no_such_database" does not exist');
  expect((await read(`${url}/metrics`)).text).toContain('{sqlstate="3D000"} 1');
});

test('refuses an activity it does not know', async () => {
  const { url } = await runBackend({});
  expect(await read(`${url}/activity?kind=dance`, 'POST')).toMatchObject({ status: 400 });
  expect(await read(`${url}/activity?kind=load&concurrency=1e9`, 'POST')).toMatchObject({
    status: 400,
  });
});

test('ends when the process that started it is killed', async () => {
  const script = `
    const { BackendProcess } = await import(${JSON.stringify(backendProcess.href)});
    const backend = new BackendProcess({
      service: 'orphan', number: 1, databaseUrl: 'postgres://app@127.0.0.1:1/shop',
      localAddress: '127.0.0.1', poolSize: 1, maxOverflow: 0, poolTimeoutSeconds: 1,
    });
    await backend.start();
    console.log(backend.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { NODE_NO_WARNINGS: '1' },
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: parent.stdout }).on('line', (line) => lines.push(line));
  await expect.poll(() => lines.length, { timeout: patienceMs }).toBe(1);
  const pid = Number(lines[0]);
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: patienceMs }).toBe(false);
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { ConfigError } from '../../src/config/environment.ts';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { Check } from '../../src/runbook/diagnose/doctor.ts';
import { renderDiagnosis } from '../../src/terminal/render/diagnosis.ts';
import { plain } from '../terminal/plain.ts';
import { useServer } from '../support/server.ts';
import { withApp } from '../support/with-app.ts';
import { startLoki } from './local-loki.ts';

/** `logs.loki` of dbconn.yml, from the file to what people read, on a real PostgreSQL. */
const server = useServer();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dbconn-loki-'));
  await writeFile(join(folder, 'token'), 'canary-token\n');
});
afterAll(() => rm(folder, { recursive: true }));

async function configure(loki: string): Promise<string> {
  const file = join(folder, 'dbconn.yml');
  const yml = `
targets:
  - name: orders
    database: { url: '${server.cluster.url()}' }
    services: [{ name: backend }]
    logs: { loki: ${loki} }
`;
  await writeFile(file, yml);
  return file;
}

async function check(url: string): Promise<[Diagnosis, readonly Check[]]> {
  const token = `\${file:${join(folder, 'token')}}`;
  const loki = `{ url: '${url}', query: '{container="backend"} |= "connection"', bearer: '${token}' }`;
  const config = readConfig({}, await configure(loki));
  return withApp(config, async (app) => {
    const { monitor } = await app.targets();
    return [await monitor.diagnose('orders'), await monitor.doctor('orders')];
  });
}

function logChecks(checks: readonly Check[]): readonly Check[] {
  return checks.filter(({ subject }) => subject === 'Logs');
}

test('what Loki has counts as evidence, without Docker', async () => {
  const line =
    'TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30';
  const labels = { container: 'backend' };
  const { url, headers } = await startLoki({
    streams: [{ labels, lines: [[Date.now() - 5000, line]] }],
  });
  const [diagnosis, checks] = await check(url);
  expect(headers[0]?.authorization).toBe('Bearer canary-token');
  expect(diagnosis.logs).toMatchObject([
    { service: 'backend', linesRead: 1, classes: [{ class: 'pool-timeout', count: 1 }] },
  ]);
  expect(diagnosis.findings.map(({ id }) => id)).toContain('pool-timeouts-in-logs');
  expect(logChecks(checks)).toEqual([
    { subject: 'Logs', state: 'ok', summary: 'backend: 1 line read.' },
  ]);
});

test('a Loki that is down is no quiet log', async () => {
  const { url } = await startLoki({
    instead: (_, response) => response.writeHead(503).end('canary'),
  });
  const [diagnosis, checks] = await check(url);
  expect(diagnosis.logs).toEqual([]);
  const finding = diagnosis.findings.find(({ id }) => id === 'logs-unread');
  expect(finding).toMatchObject({
    summary: 'The logs of Loki could not be read.',
    evidence: [expect.stringContaining('answers with status 503')],
  });
  expect(renderDiagnosis(diagnosis, 'logs', plain)).toContain('No log was read');
  expect(renderDiagnosis(diagnosis, 'status', plain)).toContain('could not be read');
  expect(logChecks(checks)).toMatchObject([{ state: 'missing' }]);
  expect(logChecks(checks)[0]?.fix).toContain('log of Loki');
  expect(JSON.stringify([diagnosis, checks])).not.toContain('canary');
});

test.for([
  [
    "{ url: 'loki:3100', query: '{a=\"b\"}' }",
    'targets.0.logs.loki.url: is not an http:// or https:// address',
  ],
  [
    "{ url: 'http://loki', query: 'rate({a=\"b\"}[5m])' }",
    'logs.loki.query: is LogQL that begins with a selector',
  ],
  [
    "{ url: 'http://loki', query: '{}', bearer: canary, basic: { user: a, password: canary } }",
    'logs.loki: has bearer and basic',
  ],
  [
    "{ url: 'http://loki', query: '{}', bearer: 'canary two' }",
    'logs.loki.bearer: is a secret without spaces',
  ],
  [
    "{ url: 'http://loki', query: '{}', tenant: \"a\\nb\" }",
    'logs.loki.tenant: is the name of a tenant',
  ],
  ["{ url: 'http://loki', query: '{}', user: canary }", 'logs.loki: Unrecognized key'],
])('%s is refused before anything starts', async ([loki, why]) => {
  const file = await configure(loki ?? '');
  expect(() => readConfig({}, file)).toThrow(ConfigError);
  expect(() => readConfig({}, file)).toThrow(why);
  expect(() => readConfig({}, file)).not.toThrow('canary');
});

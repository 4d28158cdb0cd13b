import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import type { ServeOptions, Served, WebhookPorts } from './served.ts';
import type { Alert } from '../../src/runbook/incidents/alert.ts';
import { done, refuse } from '../../src/runbook/remedies/remedy.ts';
import { until } from '../support/until.ts';
import { readFixture } from './read-fixture.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { bearer, serve } from './served.ts';

const firing = readFixture('01-firing-DatabaseConnectionPoolExhausted');
const path = '/webhooks/alertmanager';

let served: Served | undefined;

afterEach(async () => {
  await served?.close();
  served = undefined;
});

async function start(options: Partial<ServeOptions> = {}): Promise<Served & { taken: Alert[] }> {
  const taken: Alert[] = [];
  const incidents: WebhookPorts['incidents'] = {
    alert(alert) {
      taken.push(alert);
      return Promise.resolve(done({ kind: 'opened', incident: 'inc-aaaaaa' }));
    },
  };
  served = await serve({ incidents, ...options });
  return { ...served, taken };
}

test('an alert that was recorded is answered 202', async () => {
  const { send, taken } = await start();
  const response = await send(firing);
  expect([response.status, await response.text()]).toEqual([202, 'Taken: 1.\n']);
  expect(taken.map(({ name }) => name)).toEqual(['DatabaseConnectionPoolExhausted']);
});

test('every alert of a group is taken, firing and resolved', async () => {
  const { send, taken } = await start();
  expect((await send(readFixture('21-mixed-firing-and-resolved-v0.28'))).status).toBe(202);
  expect(taken.map(({ status }) => status)).toEqual(['resolved', 'firing']);
});

test('a truncated group is taken, counted and said', async () => {
  const { get, lines, send, taken } = await start();
  expect((await send(readFixture('20-firing-truncated-v0.28'))).status).toBe(202);
  expect(taken).toHaveLength(2);
  expect(lines.join()).toContain('max_alerts: 0');
  expect(await (await get('/metrics')).text()).toContain(
    'dbconn_alerts_total{outcome="truncated"} 1',
  );
});

test('a wrong, a missing and a malformed secret are all answered alike, and nothing is taken', async () => {
  const { send, taken } = await start();
  const basic = Buffer.from(`dbconn:${bearer}`).toString('base64');
  const forged = [
    '',
    bearer,
    `Bearer ${bearer}x`,
    `Bearer x`,
    `Basic ${basic}`,
    'Bearer',
    '\u00ff',
  ];
  const answers = await Promise.all(
    forged.map(async (authorization) => {
      const response = await send(firing, { authorization });
      const challenge = response.headers.get('www-authenticate');
      return [response.status, challenge, await response.text()].join(' ');
    }),
  );
  expect(new Set(answers)).toEqual(
    new Set(['401 Bearer realm="dbconn" Not with these credentials.\n']),
  );
  expect(taken).toEqual([]);
});

test('basic authentication is taken where it is configured, beside the token', async () => {
  const password = 'a-password-of-the-test';
  const { send } = await start({ secrets: { bearer, basic: { user: 'am', password } } });
  const status = async (authorization: string): Promise<number> =>
    (await send(firing, { authorization })).status;
  const encode = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;
  expect(await status(encode(`am:${password}`))).toBe(202);
  expect(await status(`bearer ${bearer}`)).toBe(202);
  expect(await status(encode(`am:${password}x`))).toBe(401);
  expect(await status(encode(`x:${password}`))).toBe(401);
});

test('without a secret nobody may send an alert, and the log says what to set', async () => {
  const { lines, send, taken } = await start({ secrets: {} });
  expect((await send(firing)).status).toBe(404);
  expect(taken).toEqual([]);
  expect(lines.join()).toContain('Set alerts.bearer or alerts.basic');
});

test('a guess is logged once a minute, not a thousand times', async () => {
  let now = 0;
  const { lines, send } = await start({ clock: { now: () => now } });
  for (let guess = 0; guess < 20; guess += 1) {
    await send(firing, { authorization: `Bearer guess-${guess}` });
  }
  expect(lines).toHaveLength(1);
  now = 61_000;
  await send(firing, { authorization: 'Bearer guess' });
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain('"keptBack":19');
  expect(lines.join()).not.toContain('guess-');
});

test('a journal that refuses is answered 503, so that Alertmanager sends it again', async () => {
  const refusing = { alert: () => Promise.resolve(refuse('journal', 'It is full.', 'Free it.')) };
  const { lines, send } = await start({ incidents: refusing });
  const response = await send(firing);
  expect(response.status).toBe(503);
  expect(await response.text()).not.toContain('full');
  expect(lines.join()).toContain('It is full.');
});

test('a journal that throws is answered 503 without its words', async () => {
  const throwing = { alert: () => Promise.reject(new Error('disk at /secret/place')) };
  const { send } = await start({ incidents: throwing });
  const response = await send(firing);
  expect([response.status, await response.text()]).toEqual([
    503,
    'It could not be recorded. Send it again.\n',
  ]);
});

test('what takes longer than Alertmanager waits is answered before it gives up', async () => {
  let now = 0;
  const slow: WebhookPorts['incidents'] = {
    alert() {
      now += 9000;
      return Promise.resolve(done({ kind: 'ignored' }));
    },
  };
  const { send } = await start({ incidents: slow, clock: { now: () => now } });
  expect((await send(readFixture('21-mixed-firing-and-resolved-v0.28'))).status).toBe(503);
});

test('more webhooks at a time than can be recorded are answered 503, never 429', async () => {
  const held = Promise.withResolvers<void>();
  const holding: WebhookPorts['incidents'] = {
    async alert() {
      await held.promise;
      return done({ kind: 'ignored' });
    },
  };
  const { send } = await start({ incidents: holding });
  const sent = Array.from({ length: 120 }, async () => (await send(firing)).status);
  let refused = 0;
  for (const status of sent) void status.then((code) => (refused += code === 503 ? 1 : 0));
  await until('what is too many is refused', () => Promise.resolve(refused === 20));
  held.resolve();
  const statuses = await Promise.all(sent);
  expect(statuses.filter((status) => status === 202)).toHaveLength(100);
});

test('a body of more than 1 MiB is refused, said beforehand or not', async () => {
  const { raw, send, taken } = await start();
  const large = JSON.stringify({ version: '4', alerts: [], padding: 'x'.repeat(2 ** 20) });
  expect((await send(large)).status).toBe(413);
  const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${bearer}\r\nContent-Type: application/json\r\n`;
  const chunk = 'x'.repeat(2 ** 19);
  const chunks = Array.from({ length: 4 }, () => `80000\r\n${chunk}\r\n`).join('');
  const answer = await raw(`${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*connection: close/i);
  expect(taken).toEqual([]);
});

test('bodies that would fill the memory are answered 503 until there is room again', async () => {
  const { send, server } = await start();
  const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${bearer}\r\nContent-Type: application/json\r\n`;
  const half = `${head}Content-Length: 1048576\r\n\r\n${'x'.repeat(2 ** 20 - 1)}`;
  const sockets = Array.from({ length: 17 }, () => {
    const socket = connect(server.port ?? 0, '127.0.0.1', () => socket.write(half));
    return socket.on('error', () => undefined).resume();
  });
  await until('there is no room', async () => (await send(firing)).status === 503);
  for (const socket of sockets) socket.destroy();
  await until('there is room again', async () => (await send(firing)).status === 202);
  expect((await send(firing)).status).toBe(202);
});

test.each([
  ['no JSON', '{"version":"4",', 400],
  ['another version', '{"version":"5","alerts":[]}', 400],
  ['nothing', '', 400],
  ['a list', '[]', 400],
  [
    'too many alerts',
    JSON.stringify({ version: '4', alerts: Array.from({ length: 1001 }, () => ({})) }),
    413,
  ],
])('%s is refused for good', async (_, body, status) => {
  const { send, taken } = await start();
  const response = await send(body);
  expect(response.status).toBe(status);
  expect(await response.text()).toMatch(/^[A-Z].*\.\n$/);
  expect(taken).toEqual([]);
});

test('only plain JSON is read', async () => {
  const { send, taken } = await start();
  const statuses = [
    await send(firing, { 'content-type': 'text/plain' }),
    await send(firing, { 'content-type': 'application/jsonx' }),
    await send(gzipSync(firing), { 'content-encoding': 'gzip' }),
  ].map(({ status }) => status);
  expect(statuses).toEqual([415, 415, 415]);
  expect(taken).toEqual([]);
  const named = await send(firing, { 'content-type': 'Application/JSON; charset=utf-8' });
  expect(named.status).toBe(202);
});

test('another method or path is answered with what there is, without an echo', async () => {
  const { get, url, taken } = await start();
  const looked = await get(path);
  expect([looked.status, looked.headers.get('allow')]).toEqual([405, 'POST']);
  expect((await fetch(`${url}/metrics`, { method: 'DELETE' })).status).toBe(405);
  expect((await fetch(`${url}/healthz`, { method: 'HEAD' })).status).toBe(200);
  const lost = await get('/%3Cscript%3E?<script>');
  expect(lost.status).toBe(404);
  expect(await lost.text()).not.toContain('script');
  expect(taken).toEqual([]);
});

test('a header or a body that drips in is cut, and so is a connection that says nothing', async () => {
  const { raw, taken } = await start({
    bounds: {
      headersTimeout: 300,
      requestTimeout: 600,
      keepAliveTimeout: 300,
      connectionsCheckingInterval: 50,
    },
  });
  const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${bearer}\r\n`;
  const [header, body, nothing] = await Promise.all([
    raw(head),
    raw(`${head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"version"`),
    raw(''),
  ]);
  expect(header).toMatch(/^HTTP\/1\.1 408 /);
  expect(body).toMatch(/^HTTP\/1\.1 408 /);
  expect(nothing).toMatch(/^$|^HTTP\/1\.1 408 /);
  expect(taken).toEqual([]);
});

test('more connections than a handful of clients need are closed, and new ones work again', async () => {
  const { get, server } = await start();
  const port = server.port ?? 0;
  let closed = 0;
  const sockets = Array.from({ length: 230 }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined).on('close', () => (closed += 1));
    return socket.resume();
  });
  await until('the connections beyond 200 are closed', () => Promise.resolve(closed >= 30));
  expect(closed).toBe(30);
  for (const socket of sockets) socket.destroy();
  await until('it answers again', async () =>
    get('/healthz').then(
      ({ ok }) => ok,
      () => false,
    ),
  );
});

test('closing lets what is under way be answered, and takes nothing more on', async () => {
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const holding: WebhookPorts['incidents'] = {
    async alert() {
      begun.resolve();
      await held.promise;
      return done({ kind: 'ignored' });
    },
  };
  const { close, get, send } = await start({ incidents: holding });
  const sent = send(firing);
  await begun.promise;
  const closing = close();
  await expect(get('/healthz')).rejects.toThrow('fetch failed');
  held.resolve();
  expect((await sent).status).toBe(202);
  await closing;
});

test('a port that is taken is said with what to do', async () => {
  const { server } = await start();
  const second = createHttpServer({
    host: '127.0.0.1',
    port: server.port ?? 0,
    webhook: { answer: () => Promise.reject(new Error('unused')) },
    health: {
      live: () => Promise.reject(new Error('unused')),
      ready: () => Promise.reject(new Error('unused')),
    },
    meter: { contentType: 'text/plain', expose: () => Promise.resolve('') },
    log: { error: () => undefined },
  });
  await expect(second.open()).rejects.toThrow('set DBCONN_HTTP_PORT to another one');
});

import { rm, writeFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { toText } from '../../sandbox/message-text.ts';
import type { Bot } from '../../src/app/deps.ts';
import { readConfig } from '../../src/config/config.ts';
import { appToken, botToken } from '../slack/support/workspace.ts';
import { openHarness, routingKey, webhookToken } from '../support/harness.ts';
import type { Harness } from '../support/harness.ts';
import { startCluster } from '../support/clusters.ts';
import { useServer } from '../support/server.ts';
import { patienceMs, until } from '../support/until.ts';
import {
  ask,
  card,
  dana,
  database,
  jonas,
  maya,
  messagesOf,
  press,
} from './support/conversation.ts';
import { anAlert, sendWebhook, toWebhook } from './support/send-webhook.ts';

/** The bot goes on with another dbconn.yml, between a real PostgreSQL and the local Slack. */

const server = useServer({ settings: { max_connections: 30 } }, [
  'CREATE ROLE app LOGIN',
  'CREATE ROLE acting LOGIN IN ROLE pg_monitor, pg_signal_backend',
  'CREATE DATABASE till',
]);
let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
  await server.sessions.endAll();
});

type Settings = Readonly<Record<string, unknown>>;

function target(name: 'orders' | 'till', limits: Settings = {}): Settings {
  const base = name === 'orders' ? 'postgres' : name;
  const url = (role?: string): string => server.cluster.url(role, base);
  return {
    name,
    database: { url: url(), actingUrl: url('acting') },
    limits: { terminateIdleInTransaction: '1ms', ...limits },
  };
}

function settings(changes: Settings = {}): Settings {
  return {
    targets: [target('orders'), target('till')],
    approval: { A: { approve: [jonas, dana], cooldown: '0s' }, verifyAfter: '200ms' },
    incidents: { every: '1s', openAfter: '1h' },
    escalation: [{ who: 'on-call', after: '0s' }],
    ...changes,
  };
}

interface Running {
  readonly room: Harness;
  readonly bot: Bot;
  /** Writes the file as an operator does, and has it read. */
  readonly change: (changes: Settings) => Promise<void>;
  readonly reread: (text: string) => Promise<void>;
}

async function start(more: Settings = {}): Promise<Running> {
  const room = await openHarness({ config: { ...settings(), ...more } });
  harness = room;
  const bot = await room.start({ sendIntervalMs: 20 });
  const connection = { kind: 'socket', appToken } as const;
  const slack = { connection, botToken, apiUrl: room.wire.apiUrl };
  const pager = { pagerduty: { routingKey, url: room.pagerDuty.url } };
  const { journal } = readConfig({}, room.file);
  const alerts = { bearer: webhookToken };
  const kept = { slack: { channel: database }, journal, pager, alerts };
  const reread = async (text: string): Promise<void> => {
    await writeFile(room.file, text);
    const read = { DBCONN_HTTP_PORT: '127.0.0.1:0' };
    await bot.reload(() => ({ config: readConfig(read, room.file), slack }));
  };
  const change = (changes: Settings): Promise<void> =>
    reread(stringify({ ...kept, ...settings(changes) }));
  return { room, bot, reread, change };
}

async function read({ httpPort }: Bot, path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${httpPort}${path}`)).text();
}

/** A session that option A ends. */
async function forget(application: string): Promise<{ readonly ended: Promise<void> }> {
  const { client } = await server.sessions.open({ user: 'app', application });
  await client.query('BEGIN');
  return { ended: new Promise((resolve) => client.once('end', () => resolve())) };
}

/** Asks doctor, until it says so. */
async function doctorSays({ slack }: Harness, words: string): Promise<void> {
  await slack.typeCommand({ user: maya, channel: database, text: '/dbconn doctor orders' });
  await slack.waitFor(
    ({ ephemerals }) =>
      ephemerals.some(({ message }) => toText(message).includes(words)) || undefined,
    patienceMs,
  );
}

function said({ lines }: Harness, words: string): number {
  return lines.filter((line) => line.includes(words)).length;
}

const posts = (room: Harness, words: string): number =>
  messagesOf(room).filter((message) => toText(message).includes(words)).length;

const ownPids = async (): Promise<readonly number[]> =>
  (await server.sessions.ownSessions()).map(({ pid }) => pid);

test('another limit is in force at once, over the connection that was there', async () => {
  const { bot, room, change } = await start();
  const before = await ownPids();
  expect(await read(bot, '/metrics')).not.toContain('target="orders",state="critical"');
  await change({
    targets: [
      target('orders', { warningUtilisation: 0.01, criticalUtilisation: 0.01 }),
      target('till'),
    ],
  });
  await until('it is critical', async () => {
    return (await read(bot, '/metrics')).includes('target="orders",state="critical"');
  });
  expect(await read(bot, '/metrics')).not.toContain('target="till",state="critical"');
  expect(await ownPids()).toEqual(before);
  expect(said(room, 'read again and is taken')).toBe(1);
  expect(posts(room, 'approval rules')).toBe(0);
});

test('a limit that PostgreSQL is asked by changes in the statement that was planned before', async () => {
  const { bot, change } = await start();
  const limits = { terminateIdleInTransaction: '10m' };
  await change({ targets: [target('orders', limits)] });
  const { client } = await server.sessions.open({ user: 'app', application: 'first' });
  await client.query('BEGIN');
  const checked = (state: string): RegExp =>
    new RegExp(`checks_total{target="orders",state="${state}",via="warm"} [2-9]`);
  await until('it is fine', async () => checked('fine').test(await read(bot, '/metrics')));
  expect(await read(bot, '/metrics')).not.toContain('target="orders",state="warning"');
  await change({ targets: [target('orders', { ...limits, idleInTransactionWarning: '1ms' })] });
  await until('it is not', async () => checked('warning').test(await read(bot, '/metrics')));
});

test('a request keeps the approvers and votes it was proposed under, and the next one has the new ones', async () => {
  const { room, change } = await start();
  const { ended } = await forget('first');
  await ask(room, maya, 'propose A orders');
  const { ts } = await card(room, 'Proposed');
  await change({ approval: { A: { approve: [dana, maya], votes: 2, cooldown: '0s' } } });
  await until(
    'the channel hears of it',
    async () => posts(room, 'approval rules in dbconn.yml') > 0,
  );
  expect(await press(room, { user: jonas, ts })).toContain('it starts now');
  await ended;
  const other = await forget('second');
  await ask(room, jonas, 'propose A orders');
  const next = await room.slack.waitFor(
    () => messagesOf(room).find((one) => one.text.startsWith('Proposed') && one.ts !== ts),
    patienceMs,
  );
  expect(toText(next)).toContain('2 approvals');
  expect(await press(room, { user: dana, ts: next.ts })).toContain('1 more approval');
  expect(await press(room, { user: jonas, ts: next.ts })).toContain('not an approver');
  expect(await press(room, { user: maya, ts: next.ts })).toContain('it starts now');
  await other.ended;
});

test('a dbconn.yml that only reads closes what waits, whatever the rules were', async () => {
  const { room, change } = await start();
  await forget('first');
  await ask(room, maya, 'propose A orders');
  const { ts } = await card(room, 'Proposed');
  await change({ approval: { readOnly: true } });
  expect(await press(room, { user: jonas, ts })).toContain('approval rules changed');
});

test('a file that cannot be used is refused whole, told, and forgotten once it is right', async () => {
  const { bot, room, change, reread } = await start();
  const secret = 'hunter2-in-a-wrong-place';
  await reread(
    `targets: [{ name: orders, database: { url: ${secret} }, limits: { slowQuery: 9 } }]`,
  );
  expect(said(room, 'is refused, and the one before it stays')).toBe(1);
  expect(room.lines.join()).toContain('targets.0.database.url: is not a postgres:');
  expect(room.lines.join()).not.toContain(secret);
  expect(await read(bot, '/metrics')).toContain('dbconn_config_last_reload_successful 0');
  expect(await read(bot, '/healthz')).toContain('The changed configuration is refused');
  expect((await fetch(`http://127.0.0.1:${bot.httpPort}/readyz`)).status).toBe(200);
  await doctorSays(room, 'dbconn config check');
  expect(bot.targets).toEqual(['orders', 'till']);
  await change({});
  expect(await read(bot, '/metrics')).toContain('dbconn_config_last_reload_successful 1');
  await until('it is well', async () => (await read(bot, '/healthz')).includes('"ok"'));
});

test('a dbconn.yml that is gone is refused, and DATABASE_URL alone does not stand in for it', async () => {
  const { bot, room } = await start();
  await rm(room.file);
  const url = { DATABASE_URL: server.cluster.url() };
  const connection = { kind: 'socket', appToken } as const;
  await bot.reload(() => ({ config: readConfig(url), slack: { connection, botToken } }));
  expect(said(room, `There is no file ${room.file} any more.`)).toBe(1);
  expect(bot.targets).toEqual(['orders', 'till']);
});

test('a target that is removed loses its session, its incident and what waits for votes on it', async () => {
  const { bot, room, change } = await start();
  await forget('first');
  await ask(room, maya, 'propose A till');
  await card(room, 'Proposed');
  const alert = anAlert('f1', 'DatabaseConnectionPoolExhausted', { startsAtMs: Date.now() });
  const aboutTill = { ...alert, labels: { ...alert.labels, service: 'till' } };
  expect(await sendWebhook(bot.httpPort, toWebhook([aboutTill]))).toBe(202);
  const { pagerDuty } = room;
  await expect
    .poll(() => pagerDuty.pages, { timeout: patienceMs })
    .toMatchObject([{ state: 'triggered' }]);
  expect(await ownPids()).toHaveLength(2);
  await change({ targets: [target('orders')] });
  await until('its session is closed', async () => (await ownPids()).length === 1);
  expect(bot.targets).toEqual(['orders']);
  const removed = 'Its target was removed from dbconn.yml';
  await until('both say why they ended', async () => posts(room, removed) > 1);
  const incidents = await room.inJournal((journal) =>
    journal.listIncidents({ states: ['open', 'resolved'], limit: 10 }),
  );
  expect(incidents).toMatchObject([{ target: 'till', state: 'resolved' }]);
  await expect
    .poll(() => pagerDuty.pages, { timeout: patienceMs })
    .toMatchObject([{ state: 'resolved' }]);
  expect(await read(bot, '/metrics')).not.toMatch(/last_check_timestamp.*till/);
  await change({});
  expect(bot.targets).toEqual(['orders', 'till']);
  await until('it is checked again', async () => (await ownPids()).length === 2);
});

test('what runs is brought to its end and verified, though its target is removed meanwhile', async () => {
  const { room, change } = await start();
  const { ended } = await forget('first');
  await ask(room, maya, 'propose A till');
  const { ts } = await card(room, 'Proposed');
  await press(room, { user: jonas, ts });
  await change({ targets: [target('orders')] });
  await ended;
  await until('it is over', async () => {
    const requests = await room.inJournal((journal) =>
      journal.readRequestsSince({ target: 'till', since: '2000-01-01T00:00:00.000Z' }),
    );
    return requests[0]?.state === 'done' && requests[0].result?.outcome !== null;
  });
  await expect.poll(async () => (await ownPids()).length, { timeout: patienceMs }).toBe(1);
});

test('a journal that is away meanwhile ends neither dbconn nor keeps a connection of a removed target', async () => {
  const kept = await startCluster();
  try {
    const approval = { A: { approve: [jonas], cooldown: '0s' }, verifyAfter: '4s' };
    const { room, bot, change } = await start({ journal: kept.url(), approval });
    await forget('first');
    await ask(room, maya, 'propose A till');
    const { ts } = await card(room, 'Proposed');
    await press(room, { user: jonas, ts });
    await until('it is verified', async () => {
      const verified = await room.inJournal((journal) => journal.list(['verifying']));
      return verified.length === 1;
    });
    await kept.stop('immediate');
    await change({ targets: [target('orders')] });
    expect(bot.targets).toEqual(['orders']);
    await kept.start();
    await until('its session is closed', async () => (await ownPids()).length === 1);
    await bot.stop();
  } finally {
    await kept.close();
  }
});

test('an emergency stop holds for what was proposed under earlier rules', async () => {
  const { room, change } = await start();
  await forget('first');
  await ask(room, maya, 'propose A orders');
  const { ts } = await card(room, 'Proposed');
  await change({ approval: { A: { approve: [jonas, dana], votes: 2 }, stopped: true } });
  expect(await press(room, { user: jonas, ts })).toContain('stopped');
});

test('what a process keeps for its life is named as waiting for a restart', async () => {
  const { bot, room, reread } = await start();
  const elsewhere = { slack: { channel: 'C0ELSEWHERE' }, journal: `${room.file}.other` };
  await reread(stringify({ ...settings(), ...elsewhere, targets: [target('orders')] }));
  expect(said(room, 'A restart is needed for what changed: slack.channel and journal.')).toBe(1);
  expect(bot.targets).toEqual(['orders']);
  await doctorSays(room, 'A restart is needed');
  await ask(room, maya, 'incident open orders it fills');
  await until('it is told where it was', async () => posts(room, 'it fills') > 0);
});

test('a token that Slack refuses for a moment ends no bot that was in Slack before', async () => {
  const { bot, room, change } = await start();
  room.slack.interfere('auth.test', { kind: 'refused', error: 'invalid_auth' });
  await change({ targets: [target('orders')] });
  expect(bot.targets).toEqual(['orders']);
  await until('it is in Slack again', async () => bot.slack.state.ready);
  await forget('first');
  await ask(room, maya, 'propose A orders');
  await card(room, 'Proposed');
});

test('a button pressed in the middle of a change is answered', async () => {
  const { room, change } = await start();
  await forget('first');
  await ask(room, maya, 'propose A orders');
  const { ts } = await card(room, 'Proposed');
  for (const slowQuery of ['2m', '3m', '4m', '5m']) {
    const changed = change({ targets: [target('orders', { slowQuery })] });
    const [answer] = await Promise.all([press(room, { user: maya, ts }), changed]);
    expect(answer).toContain('not an approver');
  }
});

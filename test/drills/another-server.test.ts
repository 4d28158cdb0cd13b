import { writeFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Bot } from '../../src/app/deps.ts';
import { readConfig } from '../../src/config/config.ts';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import { appToken, botToken } from '../slack/support/workspace.ts';
import { openHarness, webhookToken } from '../support/harness.ts';
import type { Harness } from '../support/harness.ts';
import { useServer } from '../support/server.ts';
import type { Server } from '../support/server.ts';
import { patienceMs, until } from '../support/until.ts';
import { ask, database, jonas, maya, messagesOf, press } from './support/conversation.ts';

/** The name of a target leads to another server than the one that a plan was made on. */

const roles = ['CREATE ROLE app LOGIN', 'CREATE ROLE acting LOGIN SUPERUSER'];
const [first, second] = [useServer({}, roles), useServer({}, roles)];
let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

function settings({ cluster }: Server): Readonly<Record<string, unknown>> {
  const rule = { approve: [jonas], votes: 1, clusterWideVotes: 1, cooldown: '0s' };
  return {
    targets: [
      { name: 'orders', database: { url: cluster.url(), actingUrl: cluster.url('acting') } },
    ],
    approval: { B: rule, prevention: rule, verifyAfter: '200ms' },
  };
}

async function start(): Promise<{ readonly room: Harness; readonly bot: Bot }> {
  const room = await openHarness({ config: settings(first) });
  harness = room;
  return { room, bot: await room.start({ sendIntervalMs: 20 }) };
}

/** The operator has the name lead to the other server. */
async function rewrite({ file }: Harness, server: Server): Promise<void> {
  const { journal } = readConfig({}, file);
  const kept = { slack: { channel: database }, journal, alerts: { bearer: webhookToken } };
  await writeFile(file, stringify({ ...kept, ...settings(server) }));
}

async function reread({ file, wire }: Harness, bot: Bot): Promise<void> {
  const connection = { kind: 'socket', appToken } as const;
  const slack = { connection, botToken, apiUrl: wire.apiUrl };
  const read = { DBCONN_HTTP_PORT: '127.0.0.1:0' };
  await bot.reload(() => ({ config: readConfig(read, file), slack }));
}

/** The message of a request, by whose words it was proposed. */
async function propose(room: Harness, words: string): Promise<string> {
  const cards = (): string[] =>
    messagesOf(room).flatMap(({ text, ts }) => (text.startsWith('Proposed') ? [ts] : []));
  const before = new Set(cards());
  await ask(room, maya, `propose ${words}`);
  return room.slack.waitFor(() => cards().find((ts) => !before.has(ts)), patienceMs);
}

function requestsOf(room: Harness): Promise<readonly ApprovalRequest[]> {
  const since = '2000-01-01T00:00:00.000Z';
  return room.inJournal((journal) => journal.readRequestsSince({ target: 'orders', since }));
}

async function ended(room: Harness, count: number): Promise<readonly ApprovalRequest[]> {
  const over = async (): Promise<readonly ApprovalRequest[]> =>
    (await requestsOf(room)).filter(({ state }) => ['done', 'stale', 'failed'].includes(state));
  await until('they are over', async () => (await over()).length === count);
  return over();
}

/** Everything that these plans set, as a server has it. */
async function changesOn({ sessions }: Server): Promise<readonly unknown[]> {
  return sessions.ask(/* sql */ `
    SELECT setconfig::text AS set FROM pg_db_role_setting
    UNION ALL SELECT name FROM pg_file_settings WHERE sourcefile LIKE '%postgresql.auto.conf'
    UNION ALL SELECT rolname FROM pg_roles WHERE rolconnlimit > -1`);
}

const plans = [
  'B 150',
  'prevention idle-in-transaction 10m',
  'prevention idle-in-transaction for app 10m',
  'prevention connection-limit for app 20',
];

test.for(['reload', 'restart'] as const)(
  'what was planned on one server does not run on another one after a %s',
  async (how) => {
    const { room, bot } = await start();
    const cards: string[] = [];
    for (const words of plans) cards.push(await propose(room, words));
    await rewrite(room, second);
    if (how === 'reload') await reread(room, bot);
    else {
      await bot.stop();
      await room.start({ sendIntervalMs: 20 });
    }
    for (const [index, ts] of cards.entries()) {
      expect(await press(room, { user: jonas, ts })).toContain('it starts now');
      await ended(room, index + 1);
    }
    const requests = await requestsOf(room);
    expect(requests.map(({ state }) => state)).toEqual(plans.map(() => 'failed'));
    for (const { closing } of requests) expect(closing?.sentence).toContain('is another server');
    expect(await changesOn(second)).toEqual([]);
  },
);

test('a change is not taken back on another server than the one it was made on', async () => {
  const { room, bot } = await start();
  const ts = await propose(room, 'prevention connection-limit for app 20');
  await press(room, { user: jonas, ts });
  const [{ id } = { id: '' }] = await ended(room, 1);
  await second.sessions.ask('ALTER ROLE app CONNECTION LIMIT 20');
  await rewrite(room, second);
  await reread(room, bot);
  const undone = await bot.approvals.undo(id, { id: maya, via: 'slack' });
  expect(undone).toMatchObject({ ok: false, refusal: { kind: 'another-server' } });
  expect(await requestsOf(room)).toHaveLength(1);
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { identity } from '../../sandbox/slack/identity.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { database, maya } from '../drills/support/conversation.ts';
import { openHarness, webhookToken } from '../support/harness.ts';
import type { Harness } from '../support/harness.ts';

import type { SlackCall } from '../../src/runbook/escalation/ports.ts';
import { createRefusals } from '../../src/slack/live/refusals.ts';
import type { Refusals } from '../../src/slack/live/refusals.ts';
import { startCluster } from '../support/clusters.ts';
import { patienceMs, until } from '../support/until.ts';
import type { Bot } from '../../src/app/deps.ts';

/** Slack refuses what the bot says, with HTTP 200 and a word in the body. Then one alert comes by webhook. */

let cluster: Cluster;
let harness: Harness | undefined;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

interface Opened {
  readonly harness: Harness;
  readonly bot: Bot;
}

async function open(contacts: Record<string, string> = {}): Promise<Opened> {
  harness = await openHarness({
    config: {
      targets: [
        {
          name: 'orders',
          database: { url: `postgres://postgres@127.0.0.1:${cluster.port}/postgres` },
          services: [{ name: 'backend' }],
          contacts,
        },
      ],
      incidents: { watch: false },
    },
  });
  return { harness, bot: await harness.start({ sendIntervalMs: 10 }) };
}

async function alert({ httpPort }: Bot): Promise<void> {
  const labels = { alertname: 'DatabaseConnectionPoolExhausted', service: 'backend' };
  const startsAt = '2026-11-29T02:00:00Z';
  const alerts = [{ status: 'firing', labels, startsAt, fingerprint: 'aa01' }];
  const response = await fetch(`http://127.0.0.1:${httpPort}/webhooks/alertmanager`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${webhookToken}` },
    body: JSON.stringify({ version: '4', alerts }),
  });
  expect(response.status).toBe(202);
}

async function read({ httpPort }: Bot, path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${httpPort}${path}`)).text();
}

async function posted(bot: Bot, outcome: string): Promise<number> {
  const line = `dbconn_slack_calls_total{method="chat.postMessage",outcome="${outcome}"} `;
  const text = await read(bot, '/metrics');
  return Number(text.split(line)[1]?.split('\n')[0]);
}

const said = (lines: readonly string[], words: string): number =>
  lines.filter((line) => line.includes(words)).length;

test.for([
  ['is_archived', 'Unarchive the channel'],
  ['token_revoked', 'SLACK_BOT_TOKEN'],
])('%s: counted as refused, told by health, and paged once', async ([error = '', fix = '']) => {
  const { harness, bot } = await open({ onCall: maya });
  expect(await posted(bot, 'refused')).toBe(0);
  harness.slack.interfere('chat.postMessage', { kind: 'refused', error }, Infinity);
  await alert(bot);
  // Tried again and again; the contact cannot be told by Slack either.
  await until('it is refused twice', async () => (await posted(bot, 'refused')) > 2);
  await expect.poll(() => harness.pagerDuty.pages.length, { timeout: patienceMs }).toBe(1);
  expect(await posted(bot, 'ok')).toBe(0);
  expect(harness.pagerDuty.pages.map(({ summary }) => summary)).toEqual([
    expect.stringContaining(`(${error}). `),
  ]);
  expect(said(harness.lines, '"msg":"Slack refuses what dbconn says"')).toBe(1);
  const health: unknown = JSON.parse(await read(bot, '/healthz'));
  const problems = [
    expect.stringMatching(new RegExp(`^Slack refuses .*\\(${error}\\)\\. .*${fix}`)),
  ];
  expect(health).toEqual({ state: 'degraded', problems });
  expect((await fetch(`http://127.0.0.1:${bot.httpPort}/readyz`)).status).toBe(200);
});

test('where only the channel is closed the contact and the pager hear of it once, and of its end', async () => {
  const { harness, bot } = await open({ onCall: maya });
  harness.slack.setMember(database, identity.botUserId, false);
  await alert(bot);
  const told = (): number =>
    JSON.stringify(harness.slack.state).split('(not_in_channel)').length - 1;
  await expect.poll(told, { timeout: patienceMs }).toBeGreaterThan(0);
  await expect.poll(() => harness.pagerDuty.pages.length, { timeout: patienceMs }).toBe(1);
  await until('it is refused twice', async () => (await posted(bot, 'refused')) > 1);
  const messages = told();
  expect(await read(bot, '/healthz')).toContain('not_in_channel');
  harness.slack.setMember(database, identity.botUserId, true);
  await until('health is well', async () => (await read(bot, '/healthz')).includes('"ok"'));
  expect(said(harness.lines, 'Slack takes what dbconn says again')).toBe(1);
  await expect
    .poll(() => harness.pagerDuty.pages, { timeout: patienceMs })
    .toMatchObject([
      { state: 'resolved', summary: expect.stringContaining('(not_in_channel). ') as unknown },
    ]);
  expect(told()).toBe(messages);
});

describe('by the calls alone', () => {
  const told: string[] = [];
  beforeEach(() => told.splice(0));
  const open = (channel = 'C1'): Refusals =>
    createRefusals({
      channel: channel === 'none' ? undefined : channel,
      onRefused: (problem) => told.push(problem),
      onTaken: () => told.push('taken'),
    });
  const post = (refusal?: string, channel = 'C1', method = 'chat.postMessage'): SlackCall =>
    refusal === undefined
      ? { method, channel, outcome: 'ok' }
      : { method, channel, outcome: 'refused', refusal };

  test('a token that Slack has taken back is told at the start already, one that was never right is not', () => {
    const refusals = open();
    refusals.record(post('invalid_auth', undefined, 'auth.test'));
    expect(told).toEqual([]);
    refusals.record(post('token_revoked', undefined, 'auth.test'));
    refusals.record(post('token_revoked', undefined, 'auth.test'));
    expect(told).toEqual([expect.stringContaining('(token_revoked)')]);
    expect(refusals.problem()).toContain('SLACK_BOT_TOKEN');
    refusals.record(post(undefined, undefined, 'auth.test'));
    expect(told).toHaveLength(2);
    expect(refusals.problem()).toBeNull();
  });

  test.for([
    ['is_archived', 'Unarchive the channel'],
    ['channel_not_found', '/invite @dbconn'],
    ['not_in_channel', '/invite @dbconn'],
    ['restricted_action', 'posting permissions'],
    ['restricted_action_read_only_channel', 'posting permissions'],
    ['missing_scope', 'scopes of manifest.yml'],
    ['account_inactive', 'SLACK_BOT_TOKEN'],
    ['token_revoked', 'SLACK_BOT_TOKEN'],
    ['token_expired', 'SLACK_BOT_TOKEN'],
    ['team_added_something_new', 'Check the channel'],
  ])('%s is said once, with what to do', ([code = '', fix = '']) => {
    const refusals = open();
    refusals.record(post(code));
    refusals.record(post(code));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`(${code})`);
    expect(refusals.problem()).toContain(fix);
    refusals.record(post());
    expect([refusals.problem(), told[1]]).toEqual([null, 'taken']);
  });

  test('what is about one message, another channel or another method is no such refusal', () => {
    const refusals = open();
    refusals.record(post('invalid_blocks'));
    refusals.record(post('message_not_found', 'C1', 'chat.update'));
    refusals.record(post('not_in_channel', 'C2'));
    refusals.record(post('channel_not_found', 'U1'));
    refusals.record(post('missing_scope', 'C1', 'conversations.history'));
    refusals.record({ method: 'chat.postMessage', channel: 'C1', outcome: 'failed' });
    expect([refusals.problem(), told]).toEqual([null, []]);
  });

  test('an old message that can still be edited does not make a closed channel open', () => {
    const refusals = open();
    refusals.record(post('restricted_action'));
    refusals.record(post(undefined, 'C1', 'chat.update'));
    refusals.record(post('restricted_action'));
    expect(told).toHaveLength(1);
  });

  test('without a channel only the token is judged', () => {
    const refusals = open('none');
    refusals.record(post('is_archived'));
    expect(refusals.problem()).toBeNull();
    refusals.record(post('token_revoked', 'U1'));
    expect(refusals.problem()).toContain('token_revoked');
  });
});

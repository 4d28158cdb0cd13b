import { ErrorCode, WebClient } from '@slack/web-api';
import { expect, test } from 'vitest';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import { post } from './support/bolt-app.ts';
import { callApi } from './support/call-api.ts';
import { ADA, BOB, BOT_TOKEN, DATABASE, ONCALL, startTestSlack } from './support/local-slack.ts';

/** A Slack with limits and a clock that stands still until told. */
async function startLimited(): Promise<{ slack: LocalSlack; advance: (ms: number) => void }> {
  let atMs = Date.UTC(2026, 0, 1);
  const slack = await startTestSlack({ rateLimits: true, now: () => atMs });
  return {
    slack,
    advance(ms) {
      atMs += ms;
    },
  };
}

const say = async (slack: LocalSlack, channel: string): Promise<unknown> =>
  callApi(slack, 'chat.postMessage', { channel, text: 'x' });

test('a channel takes a short burst, then one message a second', async () => {
  const { slack, advance } = await startLimited();
  for (let burst = 0; burst < 3; burst += 1) {
    expect(await say(slack, DATABASE)).toMatchObject({ ok: true });
  }
  expect(await say(slack, DATABASE)).toMatchObject({ ok: false, error: 'ratelimited' });
  expect(await say(slack, BOB)).toMatchObject({ ok: true });
  advance(1000);
  expect(await say(slack, DATABASE)).toMatchObject({ ok: true });
  expect(await say(slack, DATABASE)).toMatchObject({ error: 'ratelimited' });
  expect(slack.state.channels[0]?.messages).toHaveLength(4);
});

test('a tier 2 method takes twenty a minute, and its limit is its own', async () => {
  const { slack, advance } = await startLimited();
  const group = { usergroup: ONCALL };
  for (let call = 0; call < 20; call += 1) {
    expect(await callApi(slack, 'usergroups.users.list', group)).toMatchObject({ ok: true });
  }
  const refused = await fetch(`${slack.apiUrl}usergroups.users.list`, {
    method: 'POST',
    headers: { authorization: `Bearer ${BOT_TOKEN}` },
    body: new URLSearchParams(group),
  });
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('3');
  expect(await callApi(slack, 'users.info', { user: ADA })).toMatchObject({ ok: true });
  advance(3000);
  expect(await callApi(slack, 'usergroups.users.list', group)).toMatchObject({ ok: true });
});

test('the real client understands the refusal', async () => {
  const { slack } = await startLimited();
  const client = new WebClient(BOT_TOKEN, {
    slackApiUrl: slack.apiUrl,
    rejectRateLimitedCalls: true,
  });
  const message = { channel: DATABASE, text: 'x' };
  for (let burst = 0; burst < 3; burst += 1) await post(client, message);
  await expect(post(client, message)).rejects.toMatchObject({
    code: ErrorCode.RateLimitedError,
    retryAfter: 1,
  });
});

test('without limits nothing is ever too often', async () => {
  const slack = await startTestSlack();
  for (let call = 0; call < 30; call += 1) {
    expect(await say(slack, DATABASE)).toMatchObject({ ok: true });
  }
});

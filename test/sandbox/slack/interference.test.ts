import { expect, test } from 'vitest';
import { callApi } from './support/call-api.ts';
import { BOT_TOKEN, DATABASE, startTestSlack } from './support/local-slack.ts';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';

async function post(slack: LocalSlack): Promise<Response> {
  return fetch(`${slack.apiUrl}chat.postMessage`, {
    method: 'POST',
    headers: { authorization: `Bearer ${BOT_TOKEN}` },
    body: new URLSearchParams({ channel: DATABASE, text: 'x' }),
  });
}

const countMessages = (slack: LocalSlack): number => slack.state.channels[0]?.messages.length ?? 0;

test('a method is too busy as often as asked, and other methods are not', async () => {
  const slack = await startTestSlack();
  slack.interfere('chat.postMessage', { kind: 'ratelimited', retryAfterSeconds: 7 }, 2);
  expect(await callApi(slack, 'auth.test')).toMatchObject({ ok: true });
  for (let refused = 0; refused < 2; refused += 1) {
    const answer = await post(slack);
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toBe('7');
  }
  expect((await post(slack)).status).toBe(200);
  expect(countMessages(slack)).toBe(1);
});

test('a method fails with a word of Slack, or at its front door', async () => {
  const slack = await startTestSlack();
  slack.interfere('chat.postMessage', { kind: 'refused', error: 'internal_error' });
  expect(await (await post(slack)).json()).toMatchObject({ ok: false, error: 'internal_error' });
  slack.interfere('chat.postMessage', { kind: 'unreachable', status: 503 });
  expect((await post(slack)).status).toBe(503);
  expect(countMessages(slack)).toBe(0);
  expect((await post(slack)).status).toBe(200);
});

test('an answer is lost although the message stands', async () => {
  const slack = await startTestSlack();
  slack.interfere('chat.postMessage', { kind: 'answer-lost' });
  await expect(post(slack)).rejects.toThrow('fetch failed');
  expect(countMessages(slack)).toBe(1);
});

test('an interference can be called off', async () => {
  const slack = await startTestSlack();
  slack.interfere('chat.postMessage', { kind: 'unreachable', status: 500 }, 100);
  slack.interfere('chat.postMessage', { kind: 'unreachable', status: 500 }, 0);
  expect((await post(slack)).status).toBe(200);
});

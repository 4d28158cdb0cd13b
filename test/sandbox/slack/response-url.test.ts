import { RespondError } from '@slack/bolt';
import type { RespondFn } from '@slack/bolt';
import { expect, test } from 'vitest';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import { post, startWithApp } from './support/bolt-app.ts';
import { ADA, BOB, DATABASE } from './support/local-slack.ts';

interface Scene {
  readonly slack: LocalSlack;
  /** What Bolt handed the listener of a command ADA typed. */
  readonly respond: RespondFn;
  readonly responseUrl: string;
  readonly advance: (ms: number) => void;
}

async function startCommand(): Promise<Scene> {
  let atMs = Date.UTC(2026, 0, 1);
  const { slack, app } = await startWithApp('socket', { now: () => atMs });
  const got = Promise.withResolvers<Pick<Scene, 'respond' | 'responseUrl'>>();
  app.command('/dbconn', async ({ ack, respond, command }) => {
    await ack();
    got.resolve({ respond, responseUrl: command.response_url });
  });
  await slack.typeCommand({ user: ADA, channel: DATABASE, text: '/dbconn status' });
  return {
    slack,
    ...(await got.promise),
    advance(ms) {
      atMs += ms;
    },
  };
}

interface Pressed {
  readonly slack: LocalSlack;
  readonly respond: RespondFn;
  readonly ts: string;
}

const card = [
  {
    type: 'actions',
    elements: [{ type: 'button', action_id: 'go', text: { type: 'plain_text', text: 'Go' } }],
  },
];

async function startPress(kind: 'message' | 'ephemeral'): Promise<Pressed> {
  const { slack, app } = await startWithApp('socket');
  const got = Promise.withResolvers<RespondFn>();
  app.action('go', async ({ ack, respond }) => {
    await ack();
    got.resolve(respond);
  });
  const content = { channel: DATABASE, text: 'a card', blocks: card };
  const { ts } =
    kind === 'message'
      ? await post(app.client, content)
      : { ts: (await app.client.chat.postEphemeral({ ...content, user: BOB })).message_ts ?? '' };
  await slack.pressButton({ user: BOB, channel: DATABASE, ts, actionId: 'go' });
  return { slack, respond: await got.promise, ts };
}

const statusOf = async (answer: Promise<unknown>): Promise<number | undefined> =>
  answer.then(
    () => undefined,
    (error: unknown) => (error instanceof RespondError ? error.statusCode : -1),
  );

test('a response_url takes five answers and no sixth', async () => {
  const { slack, respond } = await startCommand();
  for (const text of ['1', '2', '3', '4', '5']) await respond(text);
  expect(await statusOf(respond('6'))).toBe(404);
  expect(slack.state.ephemerals.map(({ message }) => message.text)).toEqual([
    '1',
    '2',
    '3',
    '4',
    '5',
  ]);
});

test('a response_url lives thirty minutes', async () => {
  const { slack, respond, advance } = await startCommand();
  advance(30 * 60 * 1000);
  await respond('in time');
  advance(1);
  expect(await statusOf(respond('late'))).toBe(404);
  expect(slack.state.ephemerals).toHaveLength(1);
});

test.for([
  ['nothing', {}],
  ['blocks Slack refuses', { blocks: [{ type: 'video' }] }],
  ['a field Slack does not know', { text: 'x', colour: 'red' }],
] as const)('an answer with %s is refused', async ([, answer]) => {
  const { slack, responseUrl } = await startCommand();
  const refused = await fetch(responseUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(answer),
  });
  expect(refused.status).toBe(400);
  expect(slack.state.ephemerals).toEqual([]);
});

test('a command has no message to delete', async () => {
  const { respond } = await startCommand();
  expect(await statusOf(respond({ delete_original: true }))).toBe(404);
});

test('an answer to a button replaces its message only when it says so', async () => {
  const { slack, respond, ts } = await startPress('message');
  await respond({ text: 'noted' });
  expect(slack.state.ephemerals).toMatchObject([{ user: BOB, message: { text: 'noted' } }]);
  expect(slack.state.channels[0]?.messages).toMatchObject([{ ts, text: 'a card' }]);
  await respond({ replace_original: true, text: 'done' });
  const [message] = slack.state.channels[0]?.messages ?? [];
  expect(message).toMatchObject({ ts, text: 'done' });
  expect(message).not.toHaveProperty('blocks');
  await respond({ delete_original: true });
  expect(slack.state.channels[0]?.messages).toEqual([]);
  expect(await statusOf(respond({ replace_original: true, text: 'x' }))).toBe(404);
});

test('an ephemeral stays one person’s, whatever the answer asks for', async () => {
  const { slack, respond, ts } = await startPress('ephemeral');
  await respond({ replace_original: true, response_type: 'in_channel', text: 'still mine' });
  expect(slack.state.channels[0]?.messages).toEqual([]);
  expect(slack.state.ephemerals).toMatchObject([
    { user: BOB, message: { ts, text: 'still mine' } },
  ]);
});

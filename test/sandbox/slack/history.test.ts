import { WebClient } from '@slack/web-api';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { identity } from '../../../sandbox/slack/identity.ts';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import { callApi } from './support/call-api.ts';
import {
  ADA,
  ALL_SCOPES,
  BOT_TOKEN,
  createManifest,
  DATABASE,
  EVE,
  SECRET,
  startTestSlack,
} from './support/local-slack.ts';

const Page = z.object({
  ok: z.literal(true),
  messages: z.array(z.looseObject({ ts: z.string(), text: z.string() })),
  has_more: z.boolean(),
  response_metadata: z.object({ next_cursor: z.string().min(1) }).optional(),
});

type Args = Readonly<Record<string, unknown>>;

async function post(slack: LocalSlack, text: string, more: Args = {}): Promise<string> {
  const posted = await callApi(slack, 'chat.postMessage', { channel: DATABASE, text, ...more });
  expect(posted).toMatchObject({ ok: true });
  return String(posted['ts']);
}

async function read(slack: LocalSlack, args: Args = {}): Promise<z.infer<typeof Page>> {
  const method = args['ts'] === undefined ? 'conversations.history' : 'conversations.replies';
  return Page.parse(await callApi(slack, method, { channel: DATABASE, ...args }));
}

const texts = ({ messages }: z.infer<typeof Page>): readonly string[] =>
  messages.map(({ text }) => text);

test('history is the newest first, without what was said in threads', async () => {
  const slack = await startTestSlack();
  const parent = await post(slack, 'an incident');
  await post(slack, 'a note', { thread_ts: parent });
  await post(slack, 'for everybody', { thread_ts: parent, reply_broadcast: true });
  await post(slack, 'another');
  const page = await read(slack);
  expect(texts(page)).toEqual(['another', 'for everybody', 'an incident']);
  expect(page.messages[1]).toMatchObject({ subtype: 'thread_broadcast', thread_ts: parent });
  expect(page.messages[2]).toMatchObject({
    thread_ts: parent,
    reply_count: 2,
    reply_users: [identity.botUserId],
  });
});

test('history is read in pages and between two moments', async () => {
  const slack = await startTestSlack();
  const stamps: string[] = [];
  for (const text of ['1', '2', '3', '4', '5']) stamps.push(await post(slack, text));
  const first = await read(slack, { limit: 2 });
  expect(texts(first)).toEqual(['5', '4']);
  const cursor = first.response_metadata?.next_cursor;
  const second = await read(slack, { limit: 3, cursor });
  expect(texts(second)).toEqual(['3', '2', '1']);
  expect(second).toMatchObject({ has_more: false });
  const between = { oldest: stamps[1], latest: stamps[3] };
  expect(texts(await read(slack, between))).toEqual(['3']);
  expect(texts(await read(slack, { ...between, inclusive: true }))).toEqual(['4', '3', '2']);
});

test('a thread is read oldest first, and its parent leads every page', async () => {
  const slack = await startTestSlack();
  const ts = await post(slack, 'parent');
  const replies: string[] = [];
  for (const text of ['1', '2', '3']) replies.push(await post(slack, text, { thread_ts: ts }));
  const first = await read(slack, { ts, limit: 3 });
  expect(texts(first)).toEqual(['parent', '1', '2']);
  const cursor = first.response_metadata?.next_cursor;
  expect(texts(await read(slack, { ts, limit: 3, cursor }))).toEqual(['parent', '3']);
  expect(texts(await read(slack, { ts, oldest: replies[1] }))).toEqual(['parent', '3']);
  expect(texts(await read(slack, { ts: replies[0] }))).toEqual(['parent', '1', '2', '3']);
});

test('metadata comes back only to those who ask for all of it', async () => {
  const slack = await startTestSlack();
  const metadata = { event_type: 'dbconn', event_payload: { key: 'INC-7' } };
  const ts = await post(slack, 'an incident', { metadata });
  expect((await read(slack)).messages[0]).not.toHaveProperty('metadata');
  const asked = { include_all_metadata: true };
  expect((await read(slack, asked)).messages[0]).toMatchObject({ metadata });
  expect((await read(slack, { ...asked, ts })).messages[0]).toMatchObject({ metadata });
});

test('metadata survives an edit, is replaced by other, and goes with an empty object', async () => {
  const slack = await startTestSlack();
  const metadata = { event_type: 'dbconn', event_payload: { key: 'INC-7' } };
  const ts = await post(slack, 'an incident', { metadata });
  const edit = async (more: Args): Promise<unknown> => {
    const args = { channel: DATABASE, ts, text: 'edited', ...more };
    expect(await callApi(slack, 'chat.update', args)).toMatchObject({ ok: true });
    return slack.state.channels[0]?.messages[0]?.metadata;
  };
  expect(await edit({})).toEqual(metadata);
  const other = { event_type: 'dbconn', event_payload: { key: 'INC-8' } };
  expect(await edit({ metadata: other })).toEqual(other);
  expect(await edit({ metadata: {} })).toBeUndefined();
});

test.for([
  ['without a payload', { event_type: 'dbconn' }, 'invalid_metadata_format'],
  ['with a list as payload', { event_type: 'x', event_payload: [1] }, 'invalid_metadata_format'],
  [
    'that carries a novel',
    { event_type: 'x', event_payload: { key: 'x'.repeat(9000) } },
    'metadata_too_large',
  ],
] as const)('metadata %s is refused', async ([, metadata, error]) => {
  const slack = await startTestSlack();
  const args = { channel: DATABASE, text: 'x', metadata };
  expect(await callApi(slack, 'chat.postMessage', args)).toMatchObject({ ok: false, error });
});

test('every kind of conversation needs its own scope to be read', async () => {
  const without = (scope: string): string[] => ALL_SCOPES.filter((one) => one !== scope);
  const refusal = async (scope: string, place: string): Promise<unknown> => {
    const slack = await startTestSlack({
      manifest: createManifest(without(scope)),
      channels: [
        { id: DATABASE, name: 'database', members: [ADA, identity.botUserId] },
        { id: SECRET, name: 'secret', members: [EVE, identity.botUserId], isPrivate: true },
      ],
    });
    const { channel } = await callApi(slack, 'chat.postMessage', { channel: place, text: 'x' });
    return callApi(slack, 'conversations.history', { channel });
  };
  for (const [needed, place] of [
    ['channels:history', DATABASE],
    ['groups:history', SECRET],
    ['im:history', ADA],
  ] as const) {
    const provided = without(needed).join(',');
    const error = 'missing_scope';
    expect(await refusal(needed, place)).toEqual({ ok: false, error, needed, provided });
    expect(await refusal('files:write', place)).toMatchObject({ ok: true });
  }
});

test('a reply to a reply is refused: it would be seen by nobody', async () => {
  const slack = await startTestSlack();
  const parent = await post(slack, 'parent');
  const reply = await post(slack, 'reply', { thread_ts: parent });
  const args = { channel: DATABASE, text: 'x', thread_ts: reply };
  expect(await callApi(slack, 'chat.postMessage', args)).toMatchObject({
    error: 'cannot_reply_to_message',
  });
});

test('a parent that a person deleted leaves its thread behind, and cannot be edited', async () => {
  const slack = await startTestSlack();
  const ts = await post(slack, 'parent');
  await post(slack, 'a note', { thread_ts: ts });
  const gone = { user: ADA, channel: DATABASE, ts };
  expect(await slack.deleteMessage(gone)).toEqual({ acked: true });
  expect(await slack.deleteMessage(gone)).toMatchObject({ acked: false });
  const edit = { channel: DATABASE, ts, text: 'x' };
  expect(await callApi(slack, 'chat.update', edit)).toMatchObject({ error: 'message_not_found' });
  const thread = await read(slack, { ts });
  expect(texts(thread)).toEqual(['This message was deleted.', 'a note']);
  expect(thread.messages[0]).toMatchObject({ subtype: 'tombstone' });
});

test('a message without replies that a person deleted is gone without a trace', async () => {
  const slack = await startTestSlack();
  const ts = await post(slack, 'alone');
  expect(await slack.deleteMessage({ user: EVE, channel: DATABASE, ts })).toMatchObject({
    acked: false,
  });
  await slack.deleteMessage({ user: ADA, channel: DATABASE, ts });
  expect(slack.state.channels[0]?.messages).toEqual([]);
  expect(await callApi(slack, 'conversations.replies', { channel: DATABASE, ts })).toMatchObject({
    error: 'thread_not_found',
  });
});

test('a file the real client uploads stands in the thread and can be downloaded', async () => {
  const slack = await startTestSlack();
  const thread_ts = await post(slack, 'an incident');
  const client = new WebClient(BOT_TOKEN, { slackApiUrl: slack.apiUrl });
  await client.filesUploadV2({
    channel_id: DATABASE,
    thread_ts,
    filename: 'report.md',
    title: 'The report',
    content: '# What happened',
    initial_comment: 'It is over.',
  });
  const shared = await slack.waitFor(
    ({ channels }) => channels[0]?.messages.find(({ files }) => files !== undefined),
    20_000,
  );
  const [file] = shared.files ?? [];
  expect(shared).toMatchObject({ text: 'It is over.', thread_ts });
  expect(file).toMatchObject({ title: 'The report', mimetype: 'text/markdown', size: 15 });
  expect(Buffer.from(slack.readFile(file?.id ?? '')).toString()).toBe('# What happened');
  expect((await read(slack, { ts: thread_ts })).messages.at(-1)).toMatchObject({ files: [file] });
});

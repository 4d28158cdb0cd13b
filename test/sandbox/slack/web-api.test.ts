import { describe, expect, test } from 'vitest';
import { identity } from '../../../sandbox/slack/identity.ts';
import { startAnsweringApp } from './support/answering-app.ts';
import { callApi, callAs, toReply } from './support/call-api.ts';
import {
  ADA,
  ALL_SCOPES,
  APP_TOKEN,
  BOB,
  BOT_TOKEN,
  createManifest,
  DATABASE,
  EVE,
  GONE,
  LOBBY,
  ONCALL,
  SECRET,
  startTestSlack,
} from './support/local-slack.ts';

const refusals: readonly (readonly [
  why: string,
  method: string,
  args: Readonly<Record<string, unknown>>,
  error: string,
])[] = [
  ['a method it does not know', 'chat.scheduleMessage', {}, 'unknown_method'],
  ['an argument it does not know', 'chat.postMessage', { chanel: 'x' }, 'invalid_arguments'],
  ['a post without a channel', 'chat.postMessage', { text: 'x' }, 'invalid_arguments'],
  ['a post to nowhere', 'chat.postMessage', { channel: 'C404', text: 'x' }, 'channel_not_found'],
  ['a post where it is not', 'chat.postMessage', { channel: LOBBY, text: 'x' }, 'not_in_channel'],
  [
    'a post by name where it is not',
    'chat.postMessage',
    { channel: '#lobby', text: 'x' },
    'not_in_channel',
  ],
  [
    'a post to a private channel',
    'chat.postMessage',
    { channel: SECRET, text: 'x' },
    'channel_not_found',
  ],
  [
    'a post by a private name',
    'chat.postMessage',
    { channel: 'secret', text: 'x' },
    'channel_not_found',
  ],
  ['an empty post', 'chat.postMessage', { channel: DATABASE }, 'no_text'],
  ['no blocks and no text', 'chat.postMessage', { channel: DATABASE, blocks: [] }, 'no_text'],
  [
    'bad blocks',
    'chat.postMessage',
    { channel: DATABASE, blocks: [{ type: 'video' }] },
    'invalid_blocks',
  ],
  [
    'half a block list',
    'chat.postMessage',
    { channel: DATABASE, blocks: '[{' },
    'invalid_blocks_format',
  ],
  [
    'an image of a file that is not there',
    'chat.postMessage',
    { channel: DATABASE, blocks: [{ type: 'image', alt_text: 'x', slack_file: { id: 'F404' } }] },
    'invalid_blocks',
  ],
  [
    'a reply to nothing',
    'chat.postMessage',
    { channel: DATABASE, text: 'x', thread_ts: '1.1' },
    'thread_not_found',
  ],
  [
    'metadata of no kind',
    'chat.postMessage',
    { channel: DATABASE, text: 'x', metadata: { a: 1 } },
    'invalid_metadata_format',
  ],
  [
    'a broadcast outside a thread',
    'chat.postMessage',
    { channel: DATABASE, text: 'x', reply_broadcast: true },
    'invalid_arguments',
  ],
  ['a check of bad blocks', 'blocks.validate', { blocks: [{ type: 'video' }] }, 'invalid_blocks'],
  [
    'a check of a bad message',
    'blocks.validate',
    { message: { blocks: [{ type: 'video' }] } },
    'invalid_message',
  ],
  [
    'a check of a view without a title',
    'blocks.validate',
    { view: { type: 'modal', blocks: [] } },
    'invalid_view',
  ],
  [
    'a check of two things at once',
    'blocks.validate',
    { blocks: [], view: { type: 'home', blocks: [] } },
    'invalid_arguments',
  ],
  ['history of nowhere', 'conversations.history', { channel: 'C404' }, 'channel_not_found'],
  ['history where it is not', 'conversations.history', { channel: LOBBY }, 'not_in_channel'],
  ['history it cannot know of', 'conversations.history', { channel: SECRET }, 'channel_not_found'],
  [
    'history in pages of a thousand',
    'conversations.history',
    { channel: DATABASE, limit: 1000 },
    'invalid_limit',
  ],
  [
    'history from a place it never gave',
    'conversations.history',
    { channel: DATABASE, cursor: 'bmVpbg==' },
    'invalid_cursor',
  ],
  [
    'history since a moment that is none',
    'conversations.history',
    { channel: DATABASE, oldest: 'noon' },
    'invalid_ts_oldest',
  ],
  [
    'replies to nothing',
    'conversations.replies',
    { channel: DATABASE, ts: '1.1' },
    'thread_not_found',
  ],
  [
    'a message to a bot',
    'chat.postMessage',
    { channel: identity.botUserId, text: 'x' },
    'cannot_dm_bot',
  ],
  [
    'a message to somebody who left',
    'chat.postMessage',
    { channel: GONE, text: 'x' },
    'user_disabled',
  ],
  [
    'an update of nothing',
    'chat.update',
    { channel: DATABASE, ts: '1.1', text: 'x' },
    'message_not_found',
  ],
  [
    'an update by user id',
    'chat.update',
    { channel: ADA, ts: '1.1', text: 'x' },
    'channel_not_found',
  ],
  ['deleting nothing', 'chat.delete', { channel: DATABASE, ts: '1.1' }, 'message_not_found'],
  [
    'a link to nothing',
    'chat.getPermalink',
    { channel: DATABASE, message_ts: '1.1' },
    'message_not_found',
  ],
  [
    'an ephemeral for an outsider',
    'chat.postEphemeral',
    { channel: DATABASE, user: EVE, text: 'x' },
    'user_not_in_channel',
  ],
  [
    'an ephemeral for nobody',
    'chat.postEphemeral',
    { channel: DATABASE, user: 'U404', text: 'x' },
    'user_not_found',
  ],
  [
    'an ephemeral where it is not',
    'chat.postEphemeral',
    { channel: LOBBY, user: ADA, text: 'x' },
    'not_in_channel',
  ],
  ['a conversation with nobody', 'conversations.open', { users: '' }, 'users_list_not_supplied'],
  ['a conversation with a stranger', 'conversations.open', { users: 'U404' }, 'user_not_found'],
  [
    'a conversation with a group',
    'conversations.open',
    { users: `${ADA},${BOB}` },
    'missing_scope',
  ],
  ['a channel it cannot know', 'conversations.info', { channel: SECRET }, 'channel_not_found'],
  [
    'members from nowhere',
    'conversations.members',
    { channel: DATABASE, cursor: '?' },
    'invalid_cursor',
  ],
  ['a user it does not know', 'users.info', { user: 'U404' }, 'user_not_found'],
  ['a group it does not know', 'usergroups.users.list', { usergroup: 'S404' }, 'no_such_subteam'],
  [
    'a trigger it never gave',
    'views.open',
    { trigger_id: '1.2.x', view: {} },
    'invalid_trigger_id',
  ],
  ['an update of no view', 'views.update', { view_id: 'V404', view: {} }, 'not_found'],
  ['an update that names no view', 'views.update', { view: {} }, 'invalid_arguments'],
  [
    'a Home that is a modal',
    'views.publish',
    { user_id: ADA, view: { type: 'modal' } },
    'invalid_arguments',
  ],
  [
    'a file of no length',
    'files.getUploadURLExternal',
    { filename: 'a', length: 0 },
    'invalid_arguments',
  ],
  [
    'a file that was never sent',
    'files.completeUploadExternal',
    { files: [{ id: 'F404' }] },
    'file_not_found',
  ],
];

test.for(refusals)('refuses %s', async ([, method, args, error]) => {
  const slack = await startTestSlack();
  expect(await callApi(slack, method, args)).toMatchObject({ ok: false, error });
  expect(slack.state.channels.flatMap(({ messages }) => messages)).toEqual([]);
});

test.for([
  ['no token', '', 'chat.postMessage', 'not_authed'],
  ['a token of nobody', 'xoxb-wrong', 'chat.postMessage', 'invalid_auth'],
  ['the app token for a bot method', APP_TOKEN, 'auth.test', 'not_allowed_token_type'],
  ['the bot token for Socket Mode', BOT_TOKEN, 'apps.connections.open', 'not_allowed_token_type'],
] as const)('refuses %s', async ([, token, method, error]) => {
  const slack = await startTestSlack();
  expect(await callAs(slack, token, { method })).toMatchObject({ ok: false, error });
});

test.for([
  ['chat.postMessage', 'chat:write'],
  ['chat.update', 'chat:write'],
  ['chat.postEphemeral', 'chat:write'],
  ['conversations.open', 'im:write'],
  ['users.info', 'users:read'],
  ['usergroups.list', 'usergroups:read'],
  ['usergroups.users.list', 'usergroups:read'],
  ['files.getUploadURLExternal', 'files:write'],
  ['files.completeUploadExternal', 'files:write'],
] as const)('%s without %s in the manifest is a missing scope', async ([method, scope]) => {
  const others = ALL_SCOPES.filter((one) => one !== scope);
  const slack = await startTestSlack({ manifest: createManifest(others) });
  expect(await callApi(slack, method)).toEqual({
    ok: false,
    error: 'missing_scope',
    needed: scope,
    provided: others.join(','),
  });
});

test('auth.test tells who the bot is and which scopes the manifest gave it', async () => {
  const slack = await startTestSlack();
  const response = await fetch(`${slack.apiUrl}auth.test`, {
    method: 'POST',
    body: new URLSearchParams({ token: BOT_TOKEN }),
  });
  expect(response.headers.get('x-oauth-scopes')).toBe(ALL_SCOPES.join(','));
  expect(toReply(await response.json())).toMatchObject({
    ok: true,
    user_id: identity.botUserId,
    team_id: identity.teamId,
    url: slack.url,
  });
});

test('a refusal of blocks points at the fault, as the SDK will log it', async () => {
  const slack = await startTestSlack();
  const blocks = [{ type: 'header', text: { type: 'plain_text', text: '' } }];
  expect(await callApi(slack, 'chat.postMessage', { channel: DATABASE, blocks })).toEqual({
    ok: false,
    error: 'invalid_blocks',
    errors: ['must be more than 0 characters [json-pointer:/blocks/0/text/text]'],
    response_metadata: {
      messages: ['[ERROR] must be more than 0 characters [json-pointer:/blocks/0/text/text]'],
    },
  });
});

describe('a message', () => {
  test('is the same whether its arguments came as a form or as JSON', async () => {
    const slack = await startTestSlack();
    const blocks = [{ type: 'divider', block_id: 'line' }];
    await callApi(slack, 'chat.postMessage', { channel: DATABASE, text: 'x', blocks });
    await fetch(`${slack.apiUrl}chat.postMessage`, {
      method: 'POST',
      body: new URLSearchParams({
        token: BOT_TOKEN,
        channel: DATABASE,
        text: 'x',
        blocks: JSON.stringify(blocks),
        unfurl_links: 'false',
      }),
    });
    const [json, form] = slack.state.channels[0]?.messages ?? [];
    expect({ ...form, ts: json?.ts }).toEqual(json);
    expect(json).toMatchObject({ user: identity.botUserId, bot_id: identity.botId, blocks });
  });

  test('gets ids where the app gave none', async () => {
    const slack = await startTestSlack();
    const button = { type: 'button', text: { type: 'plain_text', text: 'x' } };
    await callApi(slack, 'chat.postMessage', {
      channel: DATABASE,
      blocks: [{ type: 'actions', elements: [button] }],
    });
    const [block] = slack.state.channels[0]?.messages[0]?.blocks ?? [];
    expect(block?.block_id).toMatch(/^.{5}$/);
    expect(JSON.stringify(block?.['elements'])).toMatch(/"action_id":".{5}"/);
  });

  test('loses its blocks when it is updated with text alone, and keeps text when only blocks come', async () => {
    const slack = await startTestSlack();
    const blocks = [{ type: 'divider' }];
    const { ts } = await callApi(slack, 'chat.postMessage', {
      channel: DATABASE,
      text: 'a',
      blocks,
    });
    await callApi(slack, 'chat.update', { channel: DATABASE, ts, text: 'b' });
    expect(slack.state.channels[0]?.messages[0]).not.toHaveProperty('blocks');
    await callApi(slack, 'chat.update', { channel: DATABASE, ts, blocks });
    expect(slack.state.channels[0]?.messages[0]).toMatchObject({ ts, text: 'b', blocks });
  });

  test('is cut at 40,000 characters when posted and refused above 4,000 when updated', async () => {
    const slack = await startTestSlack();
    const { ts } = await callApi(slack, 'chat.postMessage', {
      channel: DATABASE,
      text: 'x'.repeat(40_001),
    });
    expect(slack.state.channels[0]?.messages[0]?.text).toHaveLength(40_000);
    const update = { channel: DATABASE, ts, text: 'x'.repeat(4001) };
    expect(await callApi(slack, 'chat.update', update)).toMatchObject({ error: 'msg_too_long' });
  });

  test('of a person is not the app’s to change or delete', async () => {
    const slack = await startTestSlack({
      people: [{ id: ADA, name: 'ada', realName: 'Ada' }],
      channels: [{ id: DATABASE, name: 'database', members: [ADA, identity.botUserId] }],
      userGroups: [],
      mode: 'http',
    });
    // A command answered in the channel leaves the typed command there, as the person's message.
    const typed = { user: ADA, channel: DATABASE, text: '/dbconn x' };
    slack.setRequestUrl(await startAnsweringApp({ response_type: 'in_channel', text: 'y' }));
    await slack.typeCommand(typed);
    const ts = slack.state.channels[0]?.messages.find(({ user }) => user === ADA)?.ts;
    const message = { channel: DATABASE, ts };
    expect(await callApi(slack, 'chat.update', { ...message, text: 'z' })).toMatchObject({
      error: 'cant_update_message',
    });
    expect(await callApi(slack, 'chat.delete', message)).toMatchObject({
      error: 'cant_delete_message',
    });
  });

  test('to a user id goes to their direct conversation, the same one conversations.open gives', async () => {
    const slack = await startTestSlack();
    const posted = await callApi(slack, 'chat.postMessage', { channel: ADA, text: 'wake up' });
    const opened = await callApi(slack, 'conversations.open', { users: ADA });
    expect(opened['channel']).toEqual({ id: posted['channel'] });
    expect(posted['channel']).toMatch(/^D/);
  });

  test('can be posted where the app is not, with the scope for it', async () => {
    const scopes = [...ALL_SCOPES, 'chat:write.public'];
    const slack = await startTestSlack({ manifest: createManifest(scopes) });
    const post = { channel: LOBBY, text: 'x' };
    expect(await callApi(slack, 'chat.postMessage', post)).toMatchObject({ ok: true });
  });

  test('in a thread has a permalink that says so', async () => {
    const slack = await startTestSlack();
    const { ts } = await callApi(slack, 'chat.postMessage', { channel: DATABASE, text: 'x' });
    const reply = await callApi(slack, 'chat.postMessage', {
      channel: DATABASE,
      text: 'y',
      thread_ts: ts,
    });
    const link = await callApi(slack, 'chat.getPermalink', {
      channel: DATABASE,
      message_ts: reply['ts'],
    });
    expect(link['permalink']).toContain(`?thread_ts=${String(ts)}`);
  });

  test('deleted is gone', async () => {
    const slack = await startTestSlack();
    const { ts } = await callApi(slack, 'chat.postMessage', { channel: DATABASE, text: 'x' });
    expect(await callApi(slack, 'chat.delete', { channel: DATABASE, ts })).toMatchObject({
      ok: true,
    });
    expect(slack.state.channels[0]?.messages).toEqual([]);
  });
});

test('users.info tells zone, guests and people who left', async () => {
  const slack = await startTestSlack({ now: () => Date.UTC(2026, 6, 1) });
  const info = async (user: string): Promise<unknown> =>
    (await callApi(slack, 'users.info', { user }))['user'];
  expect(await info(ADA)).toMatchObject({ tz: 'Europe/Berlin', tz_offset: 7200, deleted: false });
  expect(await info(BOB)).toMatchObject({ is_restricted: true, tz_offset: 0 });
  expect(await info(GONE)).toMatchObject({ deleted: true });
  expect(await info(GONE)).not.toHaveProperty('tz');
  expect(await info(identity.botUserId)).toMatchObject({ is_bot: true });
});

test('user groups and channel members are listed', async () => {
  const slack = await startTestSlack();
  expect(await callApi(slack, 'usergroups.list', { include_users: true })).toMatchObject({
    usergroups: [{ id: ONCALL, handle: 'oncall', users: [ADA, BOB] }],
  });
  expect(await callApi(slack, 'usergroups.users.list', { usergroup: ONCALL })).toMatchObject({
    users: [ADA, BOB],
  });
  const first = await callApi(slack, 'conversations.members', { channel: DATABASE, limit: 2 });
  expect(first).toMatchObject({ members: [ADA, BOB] });
  const { next_cursor: cursor } = toReply(first['response_metadata']);
  expect(
    await callApi(slack, 'conversations.members', { channel: DATABASE, cursor }),
  ).toMatchObject({
    members: [identity.botUserId],
    response_metadata: { next_cursor: '' },
  });
  expect(await callApi(slack, 'conversations.info', { channel: LOBBY })).toMatchObject({
    channel: { name: 'lobby', is_member: false },
  });
});

test('an upload of another length than announced is refused', async () => {
  const slack = await startTestSlack();
  const announced = await callApi(slack, 'files.getUploadURLExternal', {
    filename: 'a',
    length: 3,
  });
  const upload = await fetch(String(announced['upload_url']), { method: 'POST', body: 'four' });
  expect(upload.status).toBe(400);
  const files = [{ id: announced['file_id'] }];
  expect(await callApi(slack, 'files.completeUploadExternal', { files })).toMatchObject({
    error: 'file_not_found',
  });
});

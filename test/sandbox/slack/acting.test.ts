import { expect, test } from 'vitest';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import { startAnsweringApp } from './support/answering-app.ts';
import type { Seen } from './support/answering-app.ts';
import { callApi, toReply } from './support/call-api.ts';
import type { Reply } from './support/call-api.ts';
import { ADA, BOB, DATABASE, EVE, GONE, LOBBY, startTestSlack } from './support/local-slack.ts';

const plain = (text: string): object => ({ type: 'plain_text', text });
const button = (more: object): object => ({ type: 'button', text: plain('Press'), ...more });
const option = (value: string): object => ({ text: plain(value.toUpperCase()), value });

/** A Slack in HTTP mode whose app takes everything silently and notes what it got. */
async function startSilent(): Promise<{ slack: LocalSlack; seen: Seen }> {
  const seen: Seen = [];
  const slack = await startTestSlack({
    mode: 'http',
    requestUrl: await startAnsweringApp({}, seen),
  });
  return { slack, seen };
}

/** The interaction payload the app got last. */
function lastPayload(seen: Seen): Reply {
  const fields = new URLSearchParams(seen.at(-1)?.body);
  return toReply(JSON.parse(fields.get('payload') ?? '{}'));
}

async function post(slack: LocalSlack, blocks: readonly object[]): Promise<string> {
  const { ts } = await callApi(slack, 'chat.postMessage', { channel: DATABASE, text: 'x', blocks });
  return String(ts);
}

test('a press travels as Slack sends it', async () => {
  const { slack, seen } = await startSilent();
  const blocks = [
    {
      type: 'actions',
      block_id: 'row',
      elements: [
        button({ action_id: 'go', value: 'plan' }),
        { type: 'static_select', action_id: 'pick', options: [option('a'), option('b')] },
      ],
    },
  ];
  const ts = await post(slack, blocks);
  const at = { user: ADA, channel: DATABASE, ts };
  await slack.pressButton({ ...at, actionId: 'pick', value: 'b' });
  expect(lastPayload(seen)).toMatchObject({
    actions: [{ type: 'static_select', selected_option: option('b') }],
    state: { values: { row: { pick: { selected_option: option('b') } } } },
  });
  await slack.pressButton({ ...at, actionId: 'go' });
  expect(lastPayload(seen)).toMatchObject({
    type: 'block_actions',
    user: { id: ADA, username: 'ada', name: 'ada', team_id: 'T0SANDBOX' },
    team: { id: 'T0SANDBOX', domain: 'sandbox' },
    api_app_id: 'A0SANDBOX',
    container: { type: 'message', message_ts: ts, channel_id: DATABASE, is_ephemeral: false },
    channel: { id: DATABASE, name: 'database' },
    message: { type: 'message', ts, text: 'x', blocks },
    // What this person chose before is still chosen.
    state: { values: { row: { pick: { selected_option: option('b') } } } },
    actions: [{ type: 'button', action_id: 'go', block_id: 'row', value: 'plan' }],
  });
  await slack.pressButton({ ...at, user: BOB, actionId: 'go' });
  expect(lastPayload(seen)).toMatchObject({
    state: { values: { row: { pick: { selected_option: null } } } },
  });
});

test('ticked boxes travel with all that are ticked, and stay ticked for who ticked them', async () => {
  const { slack, seen } = await startSilent();
  const boxes = {
    type: 'checkboxes',
    action_id: 'done',
    options: [option('a'), option('b'), option('c')],
    initial_options: [option('a')],
  };
  const menu = { type: 'overflow', action_id: 'more', options: [option('x'), option('y')] };
  const ts = await post(slack, [{ type: 'actions', block_id: 'list', elements: [boxes, menu] }]);
  const at = { user: ADA, channel: DATABASE, ts };
  await slack.pressButton({ ...at, actionId: 'done', value: ['a', 'c'] });
  const ticked = { type: 'checkboxes', selected_options: [option('a'), option('c')] };
  expect(lastPayload(seen)).toMatchObject({
    actions: [{ ...ticked, action_id: 'done', block_id: 'list' }],
    state: { values: { list: { done: ticked } } },
  });
  await slack.pressButton({ ...at, actionId: 'more', value: 'y' });
  const payload = lastPayload(seen);
  expect(payload).toMatchObject({
    actions: [{ type: 'overflow', selected_option: option('y') }],
    state: { values: { list: { done: ticked } } },
  });
  // A menu keeps no state: it is closed again.
  expect(JSON.stringify(payload['state'])).not.toContain('more');
  await slack.pressButton({ ...at, actionId: 'done', value: [] });
  expect(lastPayload(seen)).toMatchObject({ actions: [{ selected_options: [] }] });
  expect(await slack.pressButton({ ...at, actionId: 'done', value: ['z'] })).toMatchObject({
    acked: false,
  });
  await slack.pressButton({ ...at, user: BOB, actionId: 'more', value: 'x' });
  expect(lastPayload(seen)).toMatchObject({
    state: { values: { list: { done: { selected_options: [option('a')] } } } },
  });
});

test('only what is there can be pressed, and only by who sees it', async () => {
  const { slack, seen } = await startSilent();
  const ts = await post(slack, [
    { type: 'actions', block_id: 'one', elements: [button({ action_id: 'go', value: '1' })] },
    { type: 'actions', block_id: 'two', elements: [button({ action_id: 'go', value: '2' })] },
    {
      type: 'actions',
      elements: [{ type: 'overflow', action_id: 'more', options: [option('a')] }],
    },
    {
      type: 'input',
      label: plain('Typed'),
      element: { type: 'plain_text_input', action_id: 'typed' },
    },
  ]);
  const at = { user: ADA, channel: DATABASE, ts };
  const impossible = [
    [{ ...at, actionId: 'stop' }, /no stop to press/],
    [{ ...at, actionId: 'go' }, /2 times/],
    [{ ...at, actionId: 'go', value: '3' }, /no go to press/],
    [{ ...at, actionId: 'go', blockId: 'three' }, /no go to press/],
    [{ ...at, actionId: 'more', value: 'z' }, /no option "z"/],
    [{ ...at, actionId: 'typed', value: 'x' }, /sends nothing by itself/],
    [{ ...at, ts: '1.1', actionId: 'go' }, /no message 1\.1/],
    [{ ...at, user: EVE, actionId: 'go' }, /in no channel/],
    [{ ...at, user: GONE, actionId: 'go' }, /deactivated/],
    [{ ...at, user: 'U404', actionId: 'go' }, /nobody here/],
    [{ ...at, user: 'U0SANDBOXBOT', actionId: 'go' }, /bot/],
    [{ user: ADA, viewId: 'V404', actionId: 'go' }, /does not see a view/],
  ] as const;
  for (const [press, error] of impossible) {
    const result = await slack.pressButton(press);
    expect(result.acked).toBe(false);
    expect(result.error).toMatch(error);
  }
  expect(seen).toEqual([]);
  expect(await slack.pressButton({ ...at, actionId: 'go', value: '2' })).toEqual({ acked: true });
  expect(lastPayload(seen)).toMatchObject({ actions: [{ block_id: 'two' }] });
  await slack.pressButton({ ...at, actionId: 'more', value: 'a' });
  expect(lastPayload(seen)).toMatchObject({ actions: [{ selected_option: option('a') }] });
});

test('somebody else’s ephemeral can neither be seen nor pressed', async () => {
  const { slack, seen } = await startSilent();
  await callApi(slack, 'chat.postEphemeral', {
    channel: DATABASE,
    user: ADA,
    text: 'for ada',
    blocks: [{ type: 'actions', elements: [button({ action_id: 'go' })] }],
  });
  const ts = slack.state.ephemerals[0]?.message.ts ?? '';
  const press = { channel: DATABASE, ts, actionId: 'go' };
  expect(await slack.pressButton({ ...press, user: BOB })).toMatchObject({
    acked: false,
    error: `only ${ADA} sees this message`,
  });
  expect(await slack.pressButton({ ...press, user: ADA })).toEqual({ acked: true });
  expect(lastPayload(seen)).toMatchObject({ container: { is_ephemeral: true, message_ts: ts } });
  expect(lastPayload(seen)).not.toHaveProperty('message');
  expect(await callApi(slack, 'chat.update', { channel: DATABASE, ts, text: 'y' })).toMatchObject({
    error: 'message_not_found',
  });
});

test.for([
  ['an unknown command', { text: '/nope' }, '/nope is not a valid command.'],
  [
    'a command in a thread',
    { text: '/dbconn status', threadTs: '1.1' },
    '/dbconn is not supported in threads. Sorry!',
  ],
] as const)('%s is answered by Slack, not by the app', async ([, typed, error]) => {
  const { slack, seen } = await startSilent();
  const result = await slack.typeCommand({ user: ADA, channel: DATABASE, ...typed });
  expect(result).toEqual({ acked: false, error });
  expect(slack.state.ephemerals).toMatchObject([{ user: ADA, message: { text: error } }]);
  expect(seen).toEqual([]);
});

test('a command is typed only where the person is', async () => {
  const { slack } = await startSilent();
  const typed = { user: EVE, channel: DATABASE, text: '/dbconn' };
  expect(await slack.typeCommand(typed)).toMatchObject({ acked: false });
});

test.for([
  ['/dbconn', 'kill @bob & <!channel> #lobby', 'kill @bob &amp; &lt;!channel&gt; #lobby'],
  ['/escaped', 'kill @bob in #lobby', `kill <@${BOB}|bob> in <#${LOBBY}|lobby>`],
  ['/escaped', 'see https://a.b/?x&y <@U1>', 'see <https://a.b/?x&amp;y> &lt;@U1&gt;'],
  ['/escaped', '@nobody a@bob #nowhere', '@nobody a@bob #nowhere'],
] as const)('%s receives "%s" as Slack writes it', async ([command, typed, received]) => {
  const { slack, seen } = await startSilent();
  await slack.typeCommand({ user: ADA, channel: DATABASE, text: `${command}  ${typed} ` });
  const fields = new URLSearchParams(seen.at(-1)?.body);
  expect(fields.get('text')).toBe(received);
  expect(fields.get('command')).toBe(command);
  expect(Object.fromEntries(fields)).toMatchObject({
    user_id: ADA,
    user_name: 'ada',
    channel_id: DATABASE,
    channel_name: 'database',
    is_enterprise_install: 'false',
  });
});

test.for([
  ['answers 500', 500, 'http_service_error'],
  ['redirects', 302, 'http_service_error'],
  ['answers blocks Slack refuses', { blocks: [{ type: 'video' }] }, 'invalid_command_response'],
  ['answers something else', { colour: 'red', text: 'x' }, 'invalid_command_response'],
] as const)('a command whose app %s fails before the person’s eyes', async ([, answer, error]) => {
  const slack = await startTestSlack({ mode: 'http', requestUrl: await startAnsweringApp(answer) });
  const result = await slack.typeCommand({ user: ADA, channel: DATABASE, text: '/dbconn' });
  expect(result).toEqual({ acked: false, error });
  expect(slack.state.ephemerals).toMatchObject([
    { user: ADA, message: { text: `/dbconn failed with the error "${error}"` } },
  ]);
});

test('an app that is not there is a failed dispatch, in both modes', async () => {
  const typed = { user: ADA, channel: DATABASE, text: '/dbconn' };
  for (const mode of ['socket', 'http'] as const) {
    const slack = await startTestSlack({ mode, requestUrl: 'http://127.0.0.1:1/slack/events' });
    expect(await slack.typeCommand(typed)).toEqual({ acked: false, error: 'dispatch_failed' });
  }
});

test('waiting in vain says what there was instead', async () => {
  const slack = await startTestSlack();
  await callApi(slack, 'chat.postMessage', { channel: DATABASE, text: 'all is well' });
  await expect(slack.waitFor(() => undefined, 20)).rejects.toThrow(/20 ms.*\n.*all is well/s);
});

import { expect, test } from 'vitest';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import { startAnsweringApp } from './support/answering-app.ts';
import type { Seen } from './support/answering-app.ts';
import { callApi, toReply } from './support/call-api.ts';
import type { Reply } from './support/call-api.ts';
import { ADA, BOB, createManifest, DATABASE, startTestSlack } from './support/local-slack.ts';

const plain = (text: string): object => ({ type: 'plain_text', text });
const option = (value: string): object => ({ text: plain(value), value });
const input = (block_id: string, element: object, more: object = {}): object => ({
  type: 'input',
  block_id,
  label: plain(block_id),
  element: { action_id: 'it', ...element },
  ...more,
});
const modal = (more: object = {}): object => ({
  type: 'modal',
  title: plain('Title'),
  submit: plain('Send'),
  blocks: [input('name', { type: 'plain_text_input' }, { optional: true })],
  ...more,
});

interface Scene {
  readonly slack: LocalSlack;
  readonly seen: Seen;
  advance(ms: number): void;
}

/** A Slack whose clock stands still until told, and an app that answers everything with `answer`. */
async function startScene(answer: Reply = {}): Promise<Scene> {
  const seen: Seen = [];
  let atMs = Date.UTC(2026, 0, 1);
  const slack = await startTestSlack({
    mode: 'http',
    requestUrl: await startAnsweringApp(answer, seen),
    now: () => atMs,
  });
  return {
    slack,
    seen,
    advance(ms) {
      atMs += ms;
    },
  };
}

/** A trigger as an app gets it, from a command ADA types. */
async function getTrigger({ slack, seen }: Scene): Promise<string> {
  await slack.typeCommand({ user: ADA, channel: DATABASE, text: '/dbconn' });
  return new URLSearchParams(seen.at(-1)?.body).get('trigger_id') ?? '';
}

async function open(scene: Scene, view: object = modal()): Promise<Reply> {
  const trigger_id = await getTrigger(scene);
  const opened = await callApi(scene.slack, 'views.open', { trigger_id, view });
  expect(opened).toMatchObject({ ok: true });
  return toReply(opened['view']);
}

const stackOf = (slack: LocalSlack): readonly string[] =>
  slack.state.modals.get(ADA)?.map(({ view }) => view.id) ?? [];
const lastView = (seen: Seen): Reply => {
  const payload = new URLSearchParams(seen.at(-1)?.body).get('payload') ?? '{}';
  return toReply(toReply(JSON.parse(payload))['view']);
};

test('a trigger opens one modal, within three seconds', async () => {
  const scene = await startScene();
  const { slack } = scene;
  const late = await getTrigger(scene);
  scene.advance(3001);
  expect(await callApi(slack, 'views.open', { trigger_id: late, view: modal() })).toMatchObject({
    error: 'expired_trigger_id',
  });
  const trigger_id = await getTrigger(scene);
  scene.advance(3000);
  expect(await callApi(slack, 'views.open', { trigger_id, view: modal() })).toMatchObject({
    ok: true,
  });
  expect(await callApi(slack, 'views.open', { trigger_id, view: modal() })).toMatchObject({
    error: 'exchanged_trigger_id',
  });
});

test('a modal Slack would not show is refused with pointers into the view', async () => {
  const scene = await startScene();
  const trigger_id = await getTrigger(scene);
  const view = modal({ title: plain('x'.repeat(25)) });
  expect(await callApi(scene.slack, 'views.open', { trigger_id, view })).toMatchObject({
    error: 'invalid_arguments',
    response_metadata: {
      messages: ['[ERROR] must be less than 25 characters [json-pointer:/view/title/text]'],
    },
  });
  const large = modal({ blocks: [{ type: 'markdown', text: 'x'.repeat(250_000) }] });
  expect(
    await callApi(scene.slack, 'views.open', { trigger_id: await getTrigger(scene), view: large }),
  ).toMatchObject({ error: 'view_too_large' });
});

test('modals stack three high, and closing one shows the one below', async () => {
  const scene = await startScene();
  const { slack } = scene;
  const { id: root } = await open(scene);
  const push = async (): Promise<Reply> =>
    callApi(slack, 'views.push', { trigger_id: await getTrigger(scene), view: modal() });
  const second = toReply((await push())['view']);
  expect(second).toMatchObject({ root_view_id: root, previous_view_id: root });
  const third = toReply((await push())['view']);
  expect(await push()).toMatchObject({ error: 'push_limit_reached' });
  expect(stackOf(slack)).toEqual([root, second['id'], third['id']]);
  expect(await slack.submitView({ user: ADA, viewId: String(root) })).toMatchObject({
    acked: false,
  });
  await slack.closeView({ user: ADA, viewId: String(third['id']) });
  expect(stackOf(slack)).toEqual([root, second['id']]);
});

test('a push without a modal below it finds nothing', async () => {
  const scene = await startScene();
  const trigger_id = await getTrigger(scene);
  expect(await callApi(scene.slack, 'views.push', { trigger_id, view: modal() })).toMatchObject({
    error: 'not_found',
  });
});

test('an update with an old hash, or of a closed modal, is refused', async () => {
  const scene = await startScene();
  const { slack } = scene;
  const { id: view_id, hash } = await open(scene);
  const update = async (more: object = {}): Promise<Reply> =>
    callApi(slack, 'views.update', { view_id, view: modal({ title: plain('New') }), ...more });
  expect(await update({ hash })).toMatchObject({ ok: true, view: { id: view_id } });
  expect(await update({ hash })).toMatchObject({ error: 'hash_conflict' });
  expect(await update()).toMatchObject({ ok: true });
  await slack.closeView({ user: ADA, viewId: String(view_id) });
  expect(await update()).toMatchObject({ error: 'not_found' });
});

test('an external_id names one view', async () => {
  const scene = await startScene();
  const view = modal({ external_id: 'mine' });
  await open(scene, view);
  const trigger_id = await getTrigger(scene);
  expect(await callApi(scene.slack, 'views.push', { trigger_id, view })).toMatchObject({
    error: 'duplicate_external_id',
  });
  const update = { external_id: 'mine', view: modal({ external_id: 'mine' }) };
  expect(await callApi(scene.slack, 'views.update', update)).toMatchObject({ ok: true });
});

test('a form is checked before it is sent, and travels with every field', async () => {
  const scene = await startScene();
  const { slack, seen } = scene;
  const { id } = await open(
    scene,
    modal({
      private_metadata: 'secret plan',
      blocks: [
        input('why', { type: 'plain_text_input', min_length: 3, max_length: 5 }),
        input('count', { type: 'number_input', is_decimal_allowed: false, max_value: '9' }),
        input('who', { type: 'users_select' }),
        input('one', { type: 'radio_buttons', options: [option('a'), option('b')] }),
        input(
          'some',
          { type: 'checkboxes', options: [option('c'), option('d')] },
          { optional: true },
        ),
        input('kept', { type: 'plain_text_input', initial_value: 'as it was' }),
      ],
    }),
  );
  const viewId = String(id);
  const before = seen.length;
  const wrong = {
    why: { it: 'no' },
    count: { it: '9.5' },
    who: { it: 'U404' },
    one: { it: 'z' },
    gone: { it: 'x' },
  };
  expect(await slack.submitView({ user: ADA, viewId, values: wrong })).toMatchObject({
    acked: false,
    errors: {
      why: 'needs at least 3 characters',
      count: 'must be a whole number',
      who: 'is not a person here',
      one: '"z" is not one of the options',
      gone: 'there is no it here',
    },
  });
  expect(await slack.submitView({ user: ADA, viewId })).toMatchObject({
    errors: { why: 'this is a required field', one: 'this is a required field' },
  });
  expect(seen).toHaveLength(before);
  const values = {
    why: { it: 'full' },
    count: { it: '4' },
    who: { it: BOB },
    one: { it: 'b' },
    some: { it: ['c', 'd'] },
  };
  expect(await slack.submitView({ user: ADA, viewId, values })).toEqual({ acked: true });
  expect(lastView(seen)).toMatchObject({
    id: viewId,
    private_metadata: 'secret plan',
    state: {
      values: {
        why: { it: { type: 'plain_text_input', value: 'full' } },
        count: { it: { type: 'number_input', value: '4' } },
        who: { it: { type: 'users_select', selected_user: BOB } },
        one: { it: { type: 'radio_buttons', selected_option: option('b') } },
        some: { it: { type: 'checkboxes', selected_options: [option('c'), option('d')] } },
        kept: { it: { value: 'as it was' } },
      },
    },
  });
});

test('an app can answer a form by clearing everything', async () => {
  const scene = await startScene({ response_action: 'clear' });
  const { slack } = scene;
  slack.setRequestUrl(await startAnsweringApp({}, scene.seen));
  await open(scene);
  const trigger_id = await getTrigger(scene);
  const pushed = await callApi(slack, 'views.push', { trigger_id, view: modal() });
  slack.setRequestUrl(await startAnsweringApp({ response_action: 'clear' }, scene.seen));
  await slack.submitView({ user: ADA, viewId: String(toReply(pushed['view'])['id']) });
  expect(stackOf(slack)).toEqual([]);
});

test('an app can answer a form with another view, in its place or above it', async () => {
  const scene = await startScene();
  const { slack } = scene;
  const { id } = await open(scene);
  const view = modal({ title: plain('Next') });
  slack.setRequestUrl(await startAnsweringApp({ response_action: 'update', view }));
  await slack.submitView({ user: ADA, viewId: String(id) });
  expect(slack.state.modals.get(ADA)).toMatchObject([{ view: { id, title: plain('Next') } }]);
  slack.setRequestUrl(await startAnsweringApp({ response_action: 'push', view }));
  await slack.submitView({ user: ADA, viewId: String(id) });
  expect(stackOf(slack)).toHaveLength(2);
});

test.for([
  ['names a field that is not there', { response_action: 'errors', errors: { nope: 'x' } }],
  ['names no field', { response_action: 'errors', errors: {} }],
  ['is not known', { response_action: 'explode' }],
  ['holds a view Slack refuses', { response_action: 'update', view: { type: 'modal' } }],
] as const)('an answer to a form that %s leaves the modal with trouble', async ([, answer]) => {
  const scene = await startScene();
  const { id } = await open(scene);
  scene.slack.setRequestUrl(await startAnsweringApp(answer));
  const result = await scene.slack.submitView({ user: ADA, viewId: String(id) });
  expect(result.error).toBeDefined();
  expect(scene.slack.state.modals.get(ADA)).toMatchObject([
    { view: { id }, trouble: 'We had some trouble connecting. Try again?' },
  ]);
});

test('the app hears of a closed modal only if it asked to, and whether all were cleared', async () => {
  const scene = await startScene();
  const { slack, seen } = scene;
  const { id: silent } = await open(scene);
  const before = seen.length;
  await slack.closeView({ user: ADA, viewId: String(silent) });
  expect(seen).toHaveLength(before);
  const { id } = await open(scene, modal({ notify_on_close: true, clear_on_close: true }));
  await slack.closeView({ user: ADA, viewId: String(id) });
  const payload = new URLSearchParams(seen.at(-1)?.body).get('payload') ?? '';
  expect(JSON.parse(payload)).toMatchObject({
    type: 'view_closed',
    is_cleared: true,
    view: { id },
  });
});

test('a press inside a modal takes along what was typed', async () => {
  const scene = await startScene();
  const { slack, seen } = scene;
  const { id } = await open(
    scene,
    modal({
      blocks: [
        input('why', { type: 'plain_text_input' }),
        {
          type: 'actions',
          elements: [{ type: 'button', action_id: 'more', text: plain('More') }],
        },
      ],
    }),
  );
  const values = { why: { it: 'half a sen' } };
  await slack.pressButton({ user: ADA, viewId: String(id), actionId: 'more', values });
  expect(lastView(seen)).toMatchObject({
    id,
    state: { values: { why: { it: { value: 'half a sen' } } } },
  });
  // And the app's update keeps it, as the block is still there.
  const view = modal({ blocks: [input('why', { type: 'plain_text_input' })] });
  await callApi(slack, 'views.update', { view_id: id, view });
  expect(slack.state.modals.get(ADA)?.[0]?.view.state.values).toMatchObject({
    why: { it: { value: 'half a sen' } },
  });
});

test('a Home is published per person, and not where the manifest has none', async () => {
  const { slack } = await startScene();
  const view = { type: 'home', blocks: [{ type: 'divider' }] };
  const first = await callApi(slack, 'views.publish', { user_id: ADA, view });
  expect([...slack.state.homes.keys()]).toEqual([ADA]);
  const { hash } = toReply(first['view']);
  await callApi(slack, 'views.publish', { user_id: ADA, view, hash });
  expect(await callApi(slack, 'views.publish', { user_id: ADA, view, hash })).toMatchObject({
    error: 'hash_conflict',
  });
  const homeless = await startTestSlack({
    manifest: { ...createManifest(), features: { app_home: { home_tab_enabled: false } } },
  });
  expect(await callApi(homeless, 'views.publish', { user_id: ADA, view })).toMatchObject({
    error: 'not_enabled',
  });
});

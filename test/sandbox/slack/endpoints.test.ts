import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import { startAnsweringApp } from './support/answering-app.ts';
import { callApi, toReply } from './support/call-api.ts';
import type { Reply } from './support/call-api.ts';
import { ADA, BOB, DATABASE, EVE, startTestSlack } from './support/local-slack.ts';

async function act(slack: LocalSlack, path: string, body: unknown): Promise<Reply> {
  const response = await fetch(`${slack.url}_sandbox/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return toReply(await response.json());
}

async function readState(slack: LocalSlack, user: string): Promise<Reply> {
  const response = await fetch(`${slack.url}_sandbox/state?user=${user}`);
  return toReply(await response.json());
}

/** fetch does not let anyone forge these headers; a program or a browser behind DNS can. */
async function getWith(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const sent = request(url, { headers }).end();
  return new Promise((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
}

test('a person sees their channels, their ephemerals and nobody else’s', async () => {
  const slack = await startTestSlack();
  const post = { channel: DATABASE, text: 'for all' };
  await callApi(slack, 'chat.postMessage', post);
  await callApi(slack, 'chat.postEphemeral', { ...post, user: ADA, text: 'for ada' });
  await callApi(slack, 'chat.postMessage', { channel: BOB, text: 'for bob' });
  expect(await readState(slack, ADA)).toMatchObject({
    me: ADA,
    commands: [{ command: '/dbconn' }, { command: '/escaped' }],
    channels: [
      {
        name: 'database',
        messages: [
          { text: 'for all', is_ephemeral: false },
          { text: 'for ada', is_ephemeral: true },
        ],
      },
      { name: 'lobby', messages: [] },
    ],
    modal: null,
    home: null,
  });
  expect(JSON.stringify(await readState(slack, BOB))).not.toContain('for ada');
  expect(await readState(slack, BOB)).toMatchObject({
    channels: [{}, {}, { kind: 'im', messages: [{ text: 'for bob' }] }],
  });
  const seenByEve = JSON.stringify(await readState(slack, EVE));
  expect(seenByEve).not.toContain('for all');
  expect(seenByEve).toContain('secret');
  expect(await readState(slack, 'U404')).toMatchObject({ error: 'user_not_found' });
});

test('everything a person can do can be done over HTTP', async () => {
  const modal = {
    type: 'modal',
    title: { type: 'plain_text', text: 'T' },
    submit: { type: 'plain_text', text: 'S' },
    blocks: [{ type: 'divider' }],
  };
  const seen: { body: string; headers: Readonly<Record<string, unknown>> }[] = [];
  const requestUrl = await startAnsweringApp({}, seen);
  const slack = await startTestSlack({ mode: 'http', requestUrl });
  const openModal = async (): Promise<string> => {
    const typed = { user: ADA, channel: DATABASE, text: '/dbconn' };
    expect(await act(slack, 'command', typed)).toEqual({ acked: true });
    const trigger_id = new URLSearchParams(seen.at(-1)?.body).get('trigger_id');
    const { view } = await callApi(slack, 'views.open', { trigger_id, view: modal });
    return String(toReply(view)['id']);
  };
  const viewId = await openModal();
  expect(await readState(slack, ADA)).toMatchObject({ modal: { view: { id: viewId }, depth: 1 } });
  expect(await act(slack, 'view-submit', { user: ADA, viewId, values: {} })).toEqual({
    acked: true,
  });
  const closing = { user: ADA, viewId: await openModal() };
  expect(await act(slack, 'view-close', closing)).toEqual({ acked: true });
  const { ts } = await callApi(slack, 'chat.postMessage', {
    channel: DATABASE,
    blocks: [
      {
        type: 'actions',
        elements: [{ type: 'button', action_id: 'go', text: { type: 'plain_text', text: 'Go' } }],
      },
    ],
  });
  const press = { user: ADA, channel: DATABASE, ts, actionId: 'go' };
  expect(await act(slack, 'action', press)).toEqual({ acked: true });
  expect(await act(slack, 'home', { user: ADA })).toEqual({ acked: true });
  expect(toReply(JSON.parse(seen.at(-1)?.body ?? ''))['event']).toMatchObject({
    type: 'app_home_opened',
    user: ADA,
  });
});

test.for([
  ['what nobody knows', 'dance', { user: ADA }, 'not_found'],
  ['half a command', 'command', { user: ADA }, 'invalid_arguments'],
  [
    'a press on two surfaces',
    'action',
    { user: ADA, actionId: 'a', channel: 'C', ts: '1', viewId: 'V' },
    'invalid_arguments',
  ],
  ['no object', 'home', [], 'json_not_object'],
] as const)('asking for %s is refused', async ([, path, body, error]) => {
  const slack = await startTestSlack();
  expect(await act(slack, path, body)).toMatchObject({ ok: false, error });
});

test('an open page hears that something changed', async () => {
  const slack = await startTestSlack();
  const page = new WebSocket(`${slack.url.replace('http', 'ws')}_sandbox/events`);
  await once(page, 'open');
  const heard = new Promise<string>((resolve) => {
    page.once('message', (data: Buffer) => {
      resolve(data.toString('utf8'));
    });
  });
  await callApi(slack, 'chat.postMessage', { channel: DATABASE, text: 'x' });
  expect(JSON.parse(await heard)).toEqual({ type: 'changed' });
  page.terminate();
});

test('neither a foreign page nor a foreign name reaches this Slack', async () => {
  const slack = await startTestSlack();
  const { host, port } = new URL(slack.url);
  const state = `${slack.url}_sandbox/state?user=${ADA}`;
  expect(await getWith(state, { origin: `http://${host}` })).toBe(200);
  expect(await getWith(state, { host: `localhost:${port}` })).toBe(200);
  expect(await getWith(state, { origin: 'https://evil.example' })).toBe(403);
  expect(await getWith(state, { origin: 'null' })).toBe(403);
  expect(await getWith(state, { host: 'evil.example' })).toBe(403);
  expect(await getWith(state, { host: `127.0.0.1.evil.example:${port}` })).toBe(403);
  const page = new WebSocket(`${slack.url.replace('http', 'ws')}_sandbox/events`, {
    origin: 'https://evil.example',
  });
  expect(String(await once(page, 'error'))).toContain('403');
});

test('acting needs JSON, which a foreign form cannot send', async () => {
  const slack = await startTestSlack();
  const response = await fetch(`${slack.url}_sandbox/home`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: JSON.stringify({ user: ADA }),
  });
  expect(response.status).toBe(415);
});

test('the page’s files are served as handed in, and nothing else', async () => {
  const slack = await startTestSlack({
    page: async (path) =>
      path === '/'
        ? { status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' }
        : undefined,
  });
  const index = await fetch(slack.url);
  expect(index.headers.get('content-type')).toBe('text/html');
  expect(await index.text()).toBe('<p>');
  expect((await fetch(`${slack.url}other`)).status).toBe(404);
});

test('a body beyond any sense is refused', async () => {
  const slack = await startTestSlack();
  const response = await fetch(`${slack.apiUrl}chat.postMessage`, {
    method: 'POST',
    body: new URLSearchParams({ text: 'x'.repeat(5_000_000) }),
  });
  expect(response.status).toBe(413);
});

test('the signature is the one Slack documents', async () => {
  const seen: { body: string; headers: Readonly<Record<string, unknown>> }[] = [];
  const slack = await startTestSlack({
    mode: 'http',
    requestUrl: await startAnsweringApp({}, seen),
    signingSecret: 'secret',
  });
  await slack.typeCommand({ user: ADA, channel: DATABASE, text: '/dbconn x' });
  const [{ headers, body } = { headers: {}, body: '' }] = seen;
  const base = `v0:${String(headers['x-slack-request-timestamp'])}:${body}`;
  expect(headers['x-slack-signature']).toBe(
    `v0=${createHmac('sha256', 'secret').update(base).digest('hex')}`,
  );
});

test('a seed that names a stranger is refused at the start', async () => {
  const channels = [{ id: DATABASE, name: 'database', members: ['U404'] }];
  await expect(startTestSlack({ channels })).rejects.toThrow('add U404 to people');
});

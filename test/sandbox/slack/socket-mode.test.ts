import { once } from 'node:events';
import { onTestFinished, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import { connectApp } from './support/bolt-app.ts';
import { callApi, callAs, toReply } from './support/call-api.ts';
import type { Reply } from './support/call-api.ts';
import { ADA, APP_TOKEN, DATABASE, startTestSlack } from './support/local-slack.ts';

const typed = { user: ADA, channel: DATABASE, text: '/dbconn status' };

/** A bare connection and everything it was sent. */
async function connect(slack: LocalSlack): Promise<{ socket: WebSocket; got: Reply[] }> {
  const opened = await callAs(slack, APP_TOKEN, { method: 'apps.connections.open' });
  const socket = new WebSocket(String(opened['url']));
  const got: Reply[] = [];
  socket.on('message', (data: Buffer) => got.push(toReply(JSON.parse(data.toString('utf8')))));
  onTestFinished(() => {
    socket.terminate();
  });
  await once(socket, 'message');
  return { socket, got };
}

test('a connection is greeted with hello', async () => {
  const slack = await startTestSlack();
  const { got } = await connect(slack);
  expect(got).toMatchObject([
    { type: 'hello', num_connections: 1, connection_info: { app_id: 'A0SANDBOX' } },
  ]);
});

test('every envelope goes to one connection, and they take turns', async () => {
  const slack = await startTestSlack();
  const heard: string[] = [];
  for (const name of ['first', 'second']) {
    const { app } = await connectApp(slack);
    app.command('/dbconn', async ({ ack }) => {
      heard.push(name);
      await ack();
    });
  }
  for (let turn = 0; turn < 4; turn += 1) {
    expect(await slack.typeCommand(typed)).toEqual({ acked: true });
  }
  expect(heard).toHaveLength(4);
  expect(heard.filter((name) => name === 'first')).toHaveLength(2);
});

test('only an acknowledgement with the envelope’s id counts', async () => {
  const slack = await startTestSlack({ ackTimeoutMs: 300 });
  const { socket } = await connect(slack);
  socket.on('message', () => {
    socket.send('not json');
    socket.send(JSON.stringify({ envelope_id: 'another' }));
  });
  expect(await slack.typeCommand(typed)).toEqual({ acked: false, error: 'operation_timeout' });
});

test('a ticket opens one connection', async () => {
  const slack = await startTestSlack();
  const { socket } = await connect(slack);
  const again = new WebSocket(socket.url);
  expect(String(await once(again, 'error'))).toContain('401');
});

test('an eleventh connection is turned away', async () => {
  const slack = await startTestSlack();
  for (let count = 0; count < 10; count += 1) await connect(slack);
  const { socket, got } = await connect(slack);
  expect(got).toMatchObject([{ type: 'disconnect', reason: 'too_many_websockets' }]);
  if (socket.readyState !== socket.CLOSED) await once(socket, 'close');
  expect(slack.connectionCount).toBe(10);
});

test('an app set to HTTP gets no Socket Mode', async () => {
  const slack = await startTestSlack({ mode: 'http' });
  const { got } = await connect(slack);
  expect(got).toMatchObject([{ type: 'disconnect', reason: 'link_disabled' }]);
});

test('a warned connection still works until the app leaves it, and another is preferred', async () => {
  const slack = await startTestSlack();
  const old = await connect(slack);
  slack.refreshConnections();
  old.socket.on('message', (data: Buffer) => {
    const { envelope_id } = toReply(JSON.parse(data.toString('utf8')));
    if (envelope_id !== undefined) old.socket.send(JSON.stringify({ envelope_id }));
  });
  expect(await slack.typeCommand(typed)).toEqual({ acked: true });
  expect(old.got).toContainEqual(
    expect.objectContaining({ type: 'disconnect', reason: 'warning' }),
  );
  const before = old.got.length;
  const { app } = await connectApp(slack);
  app.command('/dbconn', async ({ ack }) => {
    await ack();
  });
  for (let turn = 0; turn < 3; turn += 1) await slack.typeCommand(typed);
  expect(old.got).toHaveLength(before);
});

test('the real Bolt leaves a warned connection and comes back on a new one', async () => {
  const slack = await startTestSlack();
  const { app, receiver } = await connectApp(slack);
  app.command('/dbconn', async ({ ack }) => {
    await ack();
  });
  const back = new Promise((resolve) => {
    receiver.client.once('connected', resolve);
  });
  slack.refreshConnections();
  await back;
  expect(slack.connectionCount).toBe(1);
  expect(await slack.typeCommand(typed)).toEqual({ acked: true });
});

test('closing this Slack settles what is under way and leaves nothing behind', async () => {
  const slack = await startTestSlack();
  const { socket } = await connect(slack);
  const waiting = slack.typeCommand(typed);
  await once(socket, 'message');
  const gone = once(socket, 'close');
  await slack.close();
  expect(await waiting).toEqual({ acked: false, error: 'dispatch_failed' });
  await gone;
  await expect(callApi(slack, 'auth.test')).rejects.toThrow('fetch failed');
});

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { largestBodyBytes } from '../../src/http/bounded-server.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import type { SlackApp } from '../../src/slack/app.ts';
import { openSlack, startApp } from '../slack/support/workspace.ts';
import { patienceMs, until } from '../support/until.ts';

// Anybody who reaches the port of Slack's requests may send to it, and need not be Slack.

const mebibyte = 1024 * 1024;
// Bodies that are being read may hold 16 MiB together; what a connection delivers in this moment comes on top.
const bound = 48 * mebibyte;
let slack: LocalSlack | undefined;
let app: SlackApp | undefined;
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await app?.stop();
  await slack?.close();
});

async function start(): Promise<number> {
  slack = await openSlack('http');
  app = await startApp(slack, 'http');
  return app.state.port ?? 0;
}

/** What is not garbage: a request that was refused is read on for a moment, and thrown away. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc()');
  return process.memoryUsage().arrayBuffers;
}

interface Sending {
  readonly socket: Socket;
  /** What it was answered until now. */
  heard: string;
}

/** Sends the beginning of a request of that many bytes, and keeps its connection open. */
function send(port: number, part: Buffer, announced: number | undefined): Sending {
  const socket = connect(port, '127.0.0.1');
  const sending = { socket, heard: '' };
  sockets.push(socket);
  socket.on('error', () => undefined).on('data', (chunk) => (sending.heard += chunk.toString()));
  const size =
    announced === undefined ? 'transfer-encoding: chunked' : `content-length: ${announced}`;
  socket.write(`POST /slack/events HTTP/1.1\r\nhost: dbconn\r\n${size}\r\n\r\n`);
  socket.write(part);
  return sending;
}

test(
  'four hundred requests that never end hold less than 48 MiB, and Slack is heard afterwards',
  async () => {
    const port = await start();
    const part = Buffer.alloc(0.85 * mebibyte, 'x');
    const before = heldBytes();
    const all = Array.from({ length: 400 }, () => send(port, part, mebibyte));
    const isRefused = ({ socket, heard }: Sending): boolean =>
      socket.closed || heard.includes('503');
    let held = 0;
    await until('all that do not fit are refused', () => {
      held = heldBytes() - before;
      return Promise.resolve(held > bound || all.filter(isRefused).length > 400 - 20);
    });
    expect(held / mebibyte).toBeLessThan(bound / mebibyte);
    for (const { socket } of all) socket.destroy();
    await until('Slack is heard', async () => {
      const typed = slack?.typeCommand({
        user: 'U0ANA00000',
        channel: 'C0DATABASE',
        text: '/dbconn help',
      });
      return (await typed)?.acked === true;
    });
  },
  patienceMs,
);

test.for([
  ['announced', 5 * mebibyte],
  ['sent all the same', undefined],
] as const)('a body of more than 1 MiB that is %s is answered 413', async ([, announced]) => {
  const port = await start();
  const chunk = Buffer.alloc(largestBodyBytes + 1, 'x');
  const body =
    announced === undefined
      ? Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk])
      : Buffer.alloc(10);
  const sending = send(port, body, announced);
  await until('it is answered', () => Promise.resolve(sending.heard !== ''));
  expect(sending.heard).toContain('413');
});

test('headers of more than 16 KiB are refused', async () => {
  const port = await start();
  const response = await fetch(`http://127.0.0.1:${port}/slack/events`, {
    method: 'POST',
    headers: { 'x-long': 'x'.repeat(17 * 1024) },
  });
  expect(response.status).toBe(431);
});

import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { expect, test } from 'vitest';
import { toBoltLogger } from '../../src/slack/connection/client.ts';
import { SocketConnection } from '../../src/slack/connection/socket.ts';
import { aLog, appToken } from './support/workspace.ts';
import { patienceMs } from '../support/until.ts';

/** The part of Slack that opens sockets, held by the test: it can be slow where the local Slack is prompt. */
async function aSlowSlack(): Promise<{
  apiUrl: string;
  sockets: WebSocket[];
  close: () => Promise<void>;
}> {
  const sockets: WebSocket[] = [];
  const server = createServer((_, response) => {
    const url = apiUrl.replace('http:', 'ws:').replace('/api/', '/link');
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ ok: true, url }));
  });
  const upgrades = new WebSocketServer({ server });
  upgrades.on('connection', (socket) => {
    sockets.push(socket);
    socket.send(JSON.stringify({ type: 'hello' }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const apiUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/api/`;
  return {
    apiUrl,
    sockets,
    async close() {
      for (const socket of sockets) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Slack says it will close the socket, and then does not answer the goodbye. */
function takeLeaveSlowly(socket: WebSocket | undefined): void {
  socket?.send(JSON.stringify({ type: 'disconnect', reason: 'refresh_requested' }));
  socket?.pause();
}

test('the next socket does not wait for the goodbye of the last, nor does the end', async () => {
  const slack = await aSlowSlack();
  const { log } = aLog();
  const logger = toBoltLogger(log);
  const { apiUrl } = slack;
  const connection = new SocketConnection({ appToken, apiUrl, log, logger, startWithinMs: 20_000 });
  try {
    await connection.open();
    takeLeaveSlowly(slack.sockets[0]);
    // By itself the library would find out after 5 s at the earliest, when no pong comes back.
    await expect.poll(() => slack.sockets.length, { timeout: patienceMs }).toBe(2);
    await expect.poll(() => connection.state, { timeout: patienceMs }).toBe('open');

    takeLeaveSlowly(slack.sockets[1]);
    await expect.poll(() => slack.sockets.length, { timeout: patienceMs }).toBe(3);
    await expect.poll(() => connection.state, { timeout: patienceMs }).toBe('open');
    slack.sockets[2]?.pause();
    const before = performance.now();
    await connection.close();
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(connection.state).toBe('closed');
  } finally {
    await connection.close();
    await slack.close();
  }
});

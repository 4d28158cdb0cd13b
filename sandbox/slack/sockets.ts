import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { isFromThisMachine } from './loopback-guard.ts';
import type { SocketPool } from './socket-pool.ts';
import type { Workspace } from './workspace.ts';

/** More than any acknowledgement; the `ws` default would take 100 MB. */
const MAX_MESSAGE_BYTES = 1_000_000;

export interface Sockets {
  /** A single-use path for one Socket Mode connection. */
  issueLink(): string;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Tells an open page that something changed; changes of one moment become one message. */
function tellOfChanges(workspace: Workspace, page: WebSocket): void {
  let isDue = false;
  const stop = workspace.onChange(() => {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      if (page.readyState === page.OPEN) page.send(JSON.stringify({ type: 'changed' }));
    });
  });
  page.on('close', stop);
  page.on('error', () => {
    page.terminate();
  });
}

/**
 * The two kinds of WebSocket: the app's Socket Mode connections, by ticket, and the page's.
 * @param pool undefined when the app is set to HTTP: Slack then answers `link_disabled`.
 */
export function createSockets(workspace: Workspace, pool?: SocketPool): Sockets {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  const tickets = new Set<string>();

  function connectApp(socket: WebSocket): void {
    if (pool !== undefined) {
      pool.add(socket);
      return;
    }
    socket.send(JSON.stringify({ type: 'disconnect', reason: 'link_disabled' }));
    socket.close();
  }

  return {
    issueLink() {
      const ticket = randomBytes(12).toString('hex');
      tickets.add(ticket);
      return `/link/?ticket=${ticket}`;
    },
    upgrade(request, socket, head) {
      // A peer that vanishes here is nobody's problem, but an unheard error ends the process.
      socket.on('error', () => {
        socket.destroy();
      });
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      const isPage = url.pathname === '/_sandbox/events';
      if (!isFromThisMachine(request)) {
        refuse(socket, '403 Forbidden');
      } else if (isPage || tickets.delete(url.searchParams.get('ticket') ?? '')) {
        server.handleUpgrade(request, socket, head, (upgraded) => {
          if (isPage) tellOfChanges(workspace, upgraded);
          else connectApp(upgraded);
        });
      } else {
        refuse(socket, '401 Unauthorized');
      }
    },
    close() {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}

import type { WebSocket } from 'ws';
import { identity } from './identity.ts';

/** Slack's ceiling of Socket Mode connections per app. */
const MAX_CONNECTIONS = 10;
/** The SDK reconnects after 30 s without a ping. */
const PING_EVERY_MS = 10_000;
/** Between the warning and the end of a refreshed connection. */
const REFRESH_GRACE_MS = 10_000;

function disconnect(socket: WebSocket, reason: string): void {
  socket.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'sandbox' } }));
}

/** The Socket Mode connections an app holds at this moment. */
export class SocketPool {
  readonly #connections = new Set<WebSocket>();
  readonly #leaving = new Set<WebSocket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #onMessage: (text: string) => void;
  #turn = 0;

  /** @param onMessage hears every text the app sends on any connection. */
  constructor(onMessage: (text: string) => void) {
    this.#onMessage = onMessage;
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Greets a freshly upgraded connection, or turns it away when there are too many. */
  add(socket: WebSocket): void {
    if (this.#connections.size >= MAX_CONNECTIONS) {
      disconnect(socket, 'too_many_websockets');
      socket.close();
      return;
    }
    this.#connections.add(socket);
    this.#watch(socket);
    const hello = {
      type: 'hello',
      num_connections: this.#connections.size,
      connection_info: { app_id: identity.appId },
      debug_info: { host: 'sandbox', build_number: 1, approximate_connection_time: 18_060 },
    };
    socket.send(JSON.stringify(hello));
  }

  /** The connection whose turn it is; those being refreshed only when there is no other. */
  next(): WebSocket | undefined {
    const open = [...this.#connections].filter((socket) => socket.readyState === socket.OPEN);
    const staying = open.filter((socket) => !this.#leaving.has(socket));
    const choice = staying.length > 0 ? staying : open;
    this.#turn += 1;
    return choice[this.#turn % Math.max(1, choice.length)];
  }

  /** Warns every connection and ends it ten seconds later. */
  refresh(): void {
    for (const socket of this.#connections) {
      disconnect(socket, 'warning');
      this.#leaving.add(socket);
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        if (socket.readyState !== socket.OPEN) return;
        disconnect(socket, 'refresh_requested');
        socket.close();
      }, REFRESH_GRACE_MS);
      this.#timers.add(timer);
    }
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#connections) socket.terminate();
  }

  #watch(socket: WebSocket): void {
    const ping = setInterval(() => {
      socket.ping();
    }, PING_EVERY_MS);
    socket.on('error', () => {
      socket.terminate();
    });
    socket.on('close', () => {
      clearInterval(ping);
      this.#leaving.delete(socket);
      this.#connections.delete(socket);
    });
    socket.on('message', (data: Buffer) => {
      this.#onMessage(data.toString('utf8'));
    });
  }
}

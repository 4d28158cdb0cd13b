import { setTimeout as sleep } from 'node:timers/promises';
import { SocketModeReceiver } from '@slack/bolt';
import type { App, Logger as BoltLogger, Receiver } from '@slack/bolt';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Connection, ConnectionState } from './connection.ts';
import { SlackStartError, isRefusal, toStartError, waitAfter } from './connection.ts';

interface SocketConnectionOptions {
  readonly appToken: string;
  readonly apiUrl?: string;
  readonly log: Logger;
  readonly logger: BoltLogger;
  /** How long the first connection may take. */
  readonly startWithinMs: number;
}

/** One attempt: a request for an address and a handshake. */
const attemptMs = 10_000;
/** Slack's close handshake has been seen to take seconds; after this the socket is cut. */
const closeMs = 1000;

const Farewell = z.object({ type: z.literal('disconnect') });

/**
 * Socket Mode, reconnecting by itself. The library's own reconnection (socket-mode 3.1) waits 5 s or more,
 * in which every command fails, and ends the process by an unhandled rejection when Slack's API does
 * not answer. So each socket lives once: when Slack takes leave, the next one is opened at once, with
 * growing pauses, for as long as it takes.
 */
export class SocketConnection implements Connection, Receiver {
  readonly receiver: Receiver = this;
  readonly port = undefined;
  readonly #options: SocketConnectionOptions;
  readonly #open = new Set<SocketModeReceiver>();
  readonly #closing = new AbortController();
  #app: App | undefined;
  #current: SocketModeReceiver | undefined;
  #opened = false;
  #reopening: Promise<void> | undefined;

  constructor(options: SocketConnectionOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    if (this.#closing.signal.aborted) return 'closed';
    if (this.#current !== undefined) return 'open';
    return this.#opened ? 'reopening' : 'opening';
  }

  init(app: App): void {
    this.#app = app;
  }

  start(): Promise<void> {
    return this.open();
  }

  stop(): Promise<void> {
    return this.close();
  }

  async open(): Promise<void> {
    const deadline = performance.now() + this.#options.startWithinMs;
    for (let attempt = 0; ; attempt++) {
      try {
        this.#current = await this.#connect();
        this.#opened = true;
        return;
      } catch (error) {
        const wait = waitAfter(error, attempt);
        if (isRefusal(error) || performance.now() + wait > deadline) {
          throw toStartError(error, 'app token');
        }
        await sleep(wait, undefined, { signal: this.#closing.signal });
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#current = undefined;
    const sockets = [...this.#open];
    this.#open.clear();
    await Promise.all(sockets.map(closeSocket));
    await this.#reopening;
  }

  async #connect(): Promise<SocketModeReceiver> {
    if (this.#closing.signal.aborted) throw new SlackStartError('dbconn is ending.');
    const { appToken, apiUrl, logger } = this.#options;
    const socket = new SocketModeReceiver({
      appToken,
      logger,
      autoReconnectEnabled: false,
      installerOptions: {
        // An object of its own: the receiver writes into it.
        clientOptions: {
          ...(apiUrl !== undefined && { slackApiUrl: apiUrl }),
          timeout: attemptMs,
          retryConfig: { retries: 0 },
          rejectRateLimitedCalls: true,
        },
      },
    });
    if (this.#app !== undefined) socket.init(this.#app);
    this.#open.add(socket);
    // A socket that was given up while it opened may open after all.
    socket.client.on('connected', () => {
      if (!this.#open.has(socket)) void socket.client.disconnect();
    });
    socket.client.on('disconnected', () => this.#lost(socket));
    socket.client.on('ws_message', (data: unknown) => {
      if (isFarewell(data)) this.#replace(socket);
    });
    try {
      await within(attemptMs, socket.start(), this.#closing.signal);
      if (!this.#open.has(socket)) throw new SlackStartError('The socket closed while opening.');
      return socket;
    } catch (error) {
      this.#open.delete(socket);
      await closeSocket(socket);
      throw error;
    }
  }

  #lost(socket: SocketModeReceiver): void {
    this.#open.delete(socket);
    this.#replace(socket);
  }

  #replace(socket: SocketModeReceiver): void {
    if (socket !== this.#current) return;
    this.#current = undefined;
    this.#reopening = this.#reopen();
  }

  async #reopen(): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#closing;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        this.#current = await this.#connect();
        log.info('Slack is connected again');
        return;
      } catch (error) {
        if (signal.aborted) return;
        const wait = waitAfter(error, attempt);
        log.warn({ err: error, attempt, waitMs: wait }, 'Slack cannot be reached');
        // Rejects only because of close(), which the loop's condition sees.
        await sleep(wait, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

/** Slack says so some seconds before it closes a socket. */
function isFarewell(data: unknown): boolean {
  if (typeof data !== 'string' || data.length > 2000) return false;
  try {
    return Farewell.safeParse(JSON.parse(data)).success;
  } catch {
    // Not JSON: the library ignores such frames too.
    return false;
  }
}

/** Closes politely, and cuts the socket where Slack does not answer the farewell. */
async function closeSocket({ client }: SocketModeReceiver): Promise<void> {
  try {
    await within(closeMs, client.disconnect());
  } catch {
    // The second call finds the handshake unanswered and destroys the socket.
    void client.disconnect();
  }
}

async function within<T>(ms: number, work: Promise<T>, signal?: AbortSignal): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => {
    reject(new SlackStartError(`Slack did not answer within ${ms / 1000} s. Check the network.`));
  };
  const timer = setTimeout(giveUp, ms);
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

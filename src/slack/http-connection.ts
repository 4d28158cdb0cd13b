import { once } from 'node:events';
import type { Server } from 'node:http';
import { HTTPReceiver } from '@slack/bolt';
import type { Logger as BoltLogger, Receiver } from '@slack/bolt';
import type { Connection, ConnectionState } from './connection.ts';
import { refuseReplays } from './refuse-replays.ts';
import { SlackStartError } from './start-error.ts';

export interface HttpConnectionOptions {
  readonly signingSecret: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** All interfaces unless given. */
  readonly host?: string;
  readonly logger: BoltLogger;
}

/** A request still open this long after the end is a client that never finishes; Slack gives up after 3 s. */
const lastRequestsMs = 3000;

/** Signed requests of Slack at /slack/events, each once; Bolt verifies signature and age. */
export class HttpConnection implements Connection {
  readonly receiver: Receiver;
  readonly #options: HttpConnectionOptions;
  readonly #http: HTTPReceiver;
  #server: Server | undefined;
  #state: ConnectionState = 'closed';

  constructor(options: HttpConnectionOptions) {
    this.#options = options;
    const { signingSecret, logger } = options;
    this.#http = new HTTPReceiver({ signingSecret, logger, endpoints: ['/slack/events'] });
    this.#http.requestListener = refuseReplays(this.#http.requestListener, logger);
    this.receiver = this.#http;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get port(): number | undefined {
    const address = this.#server?.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  async open(): Promise<void> {
    const { port, host } = this.#options;
    this.#state = 'opening';
    try {
      this.#server = await this.#http.start({ port, ...(host !== undefined && { host }) });
      this.#state = 'open';
    } catch (error) {
      this.#state = 'closed';
      const text = `Port ${port} could not be opened for Slack's requests. Free it, or set PORT to another one.`;
      throw new SlackStartError(text, error);
    }
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || !server.listening) return;
    const cut = setTimeout(() => server.closeAllConnections(), lastRequestsMs);
    const closed = once(server, 'close');
    server.close();
    await closed;
    clearTimeout(cut);
  }
}

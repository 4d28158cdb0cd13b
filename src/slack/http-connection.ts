import { HTTPReceiver } from '@slack/bolt';
import type { Logger as BoltLogger, Receiver } from '@slack/bolt';
import { createBoundedServer } from '../http/bounded-server.ts';
import type { SignedRequestLog } from '../runbook/ports/heard-requests.ts';
import type { Connection, ConnectionState } from './connection.ts';
import { createIntake, propertiesOf, slackPath } from './intake.ts';
import { SlackStartError } from './start-error.ts';

interface HttpConnectionOptions {
  readonly signingSecret: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** All interfaces unless given. */
  readonly host?: string;
  /** Without it no request decides anything. */
  readonly heard: SignedRequestLog | undefined;
  readonly logger: BoltLogger;
}

/** Signed requests of Slack at /slack/events, each once, on a port with bounds. Bolt is never asked to open one. */
export class HttpConnection implements Connection {
  readonly receiver: Receiver;
  readonly #options: HttpConnectionOptions;
  readonly #server: ReturnType<typeof createBoundedServer>;
  #state: ConnectionState = 'closed';

  constructor(options: HttpConnectionOptions) {
    this.#options = options;
    const { signingSecret, logger, heard } = options;
    const receiver = new HTTPReceiver({
      signingSecret,
      logger,
      endpoints: [slackPath],
      customPropertiesExtractor: propertiesOf,
    });
    const handle = receiver.requestListener;
    this.#server = createBoundedServer(createIntake({ signingSecret, heard, handle, log: logger }));
    this.receiver = receiver;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get port(): number | undefined {
    return this.#server.port;
  }

  async open(): Promise<void> {
    const { port, host } = this.#options;
    this.#state = 'opening';
    try {
      await this.#server.open({ port, ...(host !== undefined && { host }) });
      this.#state = 'open';
    } catch (error) {
      this.#state = 'closed';
      const text = `Port ${port} could not be opened for Slack's requests. Free it, or set PORT to another one.`;
      throw new SlackStartError(text, error, true);
    }
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#server.close();
  }
}

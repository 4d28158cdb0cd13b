import { connect } from 'node:net';
import type { Logger } from 'pino';
import { createHealth } from '../../src/http/health.ts';
import type { HealthCheck } from '../../src/http/health.ts';
import { createMeter } from '../../src/http/metrics.ts';
import { createHttpServer } from '../../src/http/server.ts';
import type { HttpServer } from '../../src/http/server.ts';
import { Webhook } from '../../src/http/webhook.ts';
import { systemClock } from '../../src/timing.ts';

type HttpBounds = NonNullable<Parameters<typeof createHttpServer>[0]['bounds']>;

export type WebhookPorts = ConstructorParameters<typeof Webhook>[0];

export const bearer = 'a-token-of-the-test';

/** The real server on a free port, and what it logged. */
export interface Served {
  readonly server: HttpServer;
  readonly url: string;
  readonly lines: readonly string[];
  /** A webhook with the right secret, unless `headers` says otherwise. */
  readonly send: (
    body: string | Uint8Array<ArrayBuffer>,
    headers?: Record<string, string>,
  ) => Promise<Response>;
  readonly get: (path: string) => Promise<Response>;
  /** What comes back for exactly these bytes, until the server closes the connection. */
  readonly raw: (text: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

export interface ServeOptions extends Partial<Pick<WebhookPorts, 'secrets' | 'clock'>> {
  readonly incidents: WebhookPorts['incidents'];
  readonly checks?: readonly HealthCheck[];
  readonly bounds?: HttpBounds;
}

export async function serve(options: ServeOptions): Promise<Served> {
  const { bounds, checks = [], clock = systemClock, incidents, secrets = { bearer } } = options;
  const lines: string[] = [];
  const keep = (fields: unknown, text?: string): number =>
    lines.push(`${text ?? ''} ${JSON.stringify(fields)}`);
  const log = { warn: keep, error: keep } satisfies Pick<Logger, 'warn' | 'error'>;
  const meter = createMeter();
  const server = createHttpServer({
    host: '127.0.0.1',
    port: 0,
    webhook: new Webhook({ secrets, incidents, meter, clock, log }),
    health: createHealth(checks, systemClock),
    meter,
    log,
    ...(bounds !== undefined && { bounds }),
  });
  await server.open();
  const port = server.port ?? 0;
  const url = `http://127.0.0.1:${port}`;
  return {
    server,
    url,
    lines,
    send: (body, headers = {}) =>
      fetch(`${url}/webhooks/alertmanager`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${bearer}`,
          ...headers,
        },
      }),
    get: (path) => fetch(`${url}${path}`),
    raw: (text) => exchange(port, text),
    close: () => server.close(),
  };
}

async function exchange(port: number, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = '';
  const socket = connect(port, '127.0.0.1', () => socket.write(text));
  socket
    .on('data', (chunk) => {
      answer += chunk.toString();
    })
    .on('error', () => undefined) // a reset ends the exchange as a close does
    .on('close', () => resolve(answer));
  return promise;
}

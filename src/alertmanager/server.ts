import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Health, HealthReport } from './health.ts';
import type { Metrics } from './metrics.ts';
import { say, sendReply } from './reply.ts';
import type { Reply } from './reply.ts';
import type { Webhook } from './webhook.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly webhook: Webhook;
  readonly health: Health;
  readonly meter: Pick<Metrics, 'expose' | 'contentType'>;
  readonly log: Pick<Logger, 'error'>;
  readonly bounds?: HttpBounds;
}

/** How long a client may take, in milliseconds. */
export interface HttpBounds {
  readonly headersTimeout: number;
  /** For the whole request, from its first byte to its last. */
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  /** How often the two above are looked after. */
  readonly connectionsCheckingInterval: number;
}

/** Alerts in, health and metrics out. */
export interface HttpServer {
  /** Undefined while it does not listen. */
  readonly port: number | undefined;
  /** Rejects with a sentence for the operator where the port cannot be had. */
  open(): Promise<void>;
  /** Takes nothing more on, and lets what is under way end within three seconds. */
  close(): Promise<void>;
}

/** A header or a body that drips in holds a connection: these are many times what a slow network needs. */
const usualBounds: HttpBounds = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
};
const headerBytes = 16 * 1024;
/** Prometheus, Alertmanager and a supervisor need a handful; what is beyond is closed unheard. */
const mostConnections = 200;
const lastRequestsMs = 3000;

type Answer = (request: IncomingMessage) => Promise<Reply>;
interface Route {
  readonly methods: readonly string[];
  readonly answer: Answer;
}

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { bounds = usualBounds, log } = options;
  const routes = toRoutes(options);
  const server = createServer({ ...bounds, maxHeaderSize: headerBytes }, (request, response) => {
    void serve({ request, response, routes, log, isClosing: () => !server.listening });
  });
  server.maxConnections = mostConnections;
  // For a client that opens a connection and sends nothing: there the header's time-out does not count yet.
  server.timeout = 3 * bounds.requestTimeout;
  return {
    get port() {
      const address = server.address();
      return address !== null && typeof address === 'object' ? address.port : undefined;
    },
    open: () => listen(server, options),
    close: () => end(server),
  };
}

function toRoutes({ webhook, health, meter }: HttpServerOptions): ReadonlyMap<string, Route> {
  const looks = ['GET', 'HEAD'];
  const expose: Answer = async () => ({
    status: 200,
    body: await meter.expose(),
    contentType: meter.contentType,
  });
  return new Map<string, Route>([
    ['/webhooks/alertmanager', { methods: ['POST'], answer: (request) => webhook.answer(request) }],
    ['/healthz', { methods: looks, answer: async () => toReply(await health.live()) }],
    ['/readyz', { methods: looks, answer: async () => toReply(await health.ready()) }],
    ['/metrics', { methods: looks, answer: expose }],
  ]);
}

function toReply(report: HealthReport): Reply {
  return {
    status: report.state === 'failing' ? 503 : 200,
    body: `${JSON.stringify(report)}\n`,
    contentType: 'application/json',
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly routes: ReadonlyMap<string, Route>;
  readonly log: Pick<Logger, 'error'>;
  /** Then a connection is not kept for another request: the server would wait for it. */
  readonly isClosing: () => boolean;
}

async function serve({ request, response, routes, log, isClosing }: Exchange): Promise<void> {
  // Both end a connection that breaks off; without a listener the process would end with it.
  request.on('error', () => response.destroy());
  response.on('error', () => response.destroy());
  try {
    const reply = await answer(request, routes);
    sendReply(response, { ...reply, close: reply.close === true || isClosing() });
  } catch (err) {
    log.error({ err }, 'A request could not be answered');
    if (response.headersSent) response.destroy();
    else sendReply(response, say(500, 'It could not be answered. The log says why.'));
  }
}

async function answer(request: IncomingMessage, routes: Exchange['routes']): Promise<Reply> {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const route = routes.get(path);
  if (route === undefined) {
    return say(404, `There is nothing here. There is ${[...routes.keys()].join(', ')}.`);
  }
  if (!route.methods.includes(request.method ?? '')) {
    const allow = route.methods.join(', ');
    return say(405, `Only ${allow} here.`, { headers: { allow } });
  }
  return route.answer(request);
}

async function listen(server: Server, { host, port }: HttpServerOptions): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    const fix = 'Free it, or set DBCONN_HTTP_PORT to another one.';
    throw new Error(`Port ${port} could not be opened for alerts, health and metrics. ${fix}`, {
      cause,
    });
  }
}

async function end(server: Server): Promise<void> {
  if (!server.listening) return;
  const cut = setTimeout(() => server.closeAllConnections(), lastRequestsMs);
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  await closed;
  clearTimeout(cut);
}

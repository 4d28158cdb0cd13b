import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { createBoundedServer, say, sendReply } from './bounded-server.ts';
import type { BoundedServer, HttpBounds, Reply } from './bounded-server.ts';
import type { Health, HealthReport } from './health.ts';
import type { Metrics } from './metrics.ts';
import type { Webhook } from './webhook.ts';

interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly webhook: Pick<Webhook, 'answer'>;
  readonly health: Health;
  readonly meter: Pick<Metrics, 'expose' | 'contentType'>;
  readonly log: Pick<Logger, 'error'>;
  readonly bounds?: HttpBounds;
}

/** Alerts in, health and metrics out. */
export interface HttpServer extends Omit<BoundedServer, 'open'> {
  /** Rejects with a sentence for the operator where the port cannot be had. */
  open(): Promise<void>;
}

type Answer = (request: IncomingMessage) => Promise<Reply>;
interface Route {
  readonly methods: readonly string[];
  readonly answer: Answer;
}

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { bounds, log } = options;
  const routes = toRoutes(options);
  const isClosing = (): boolean => server.port === undefined;
  const server = createBoundedServer((request, response) => {
    void serve({ request, response, routes, log, isClosing });
  }, bounds);
  return {
    get port() {
      return server.port;
    },
    async open() {
      const { host, port } = options;
      try {
        await server.open({ host, port });
      } catch (cause) {
        const fix = 'Free it, or set DBCONN_HTTP_PORT to another one.';
        const text = `Port ${port} could not be opened for alerts, health and metrics. ${fix}`;
        throw new Error(text, { cause });
      }
    },
    close: () => server.close(),
  };
}

function toRoutes({ webhook, health, meter }: HttpServerOptions): ReadonlyMap<string, Route> {
  const readMethods = ['GET', 'HEAD'];
  const expose: Answer = async () => ({
    status: 200,
    body: await meter.expose(),
    contentType: meter.contentType,
  });
  return new Map<string, Route>([
    ['/webhooks/alertmanager', { methods: ['POST'], answer: (request) => webhook.answer(request) }],
    ['/healthz', { methods: readMethods, answer: async () => toReply(await health.live()) }],
    ['/readyz', { methods: readMethods, answer: async () => toReply(await health.ready()) }],
    ['/metrics', { methods: readMethods, answer: expose }],
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

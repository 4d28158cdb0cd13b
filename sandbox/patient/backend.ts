import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DatabaseError } from 'pg';
import { z } from 'zod';
import { Activity, serve, startActivity } from './backend/activities.ts';
import type { Shop } from './backend/activities.ts';
import { createConnector } from './backend/connection.ts';
import type { Connection } from './backend/connection.ts';
import { toMetricsText } from './backend/metrics-text.ts';
import { toLogLine, toLogLines } from './backend/python-log.ts';
import { QueuePool } from './backend/queue-pool.ts';

/**
 * A small web service on PostgreSQL, a process of its own: `node sandbox/patient/backend.ts`.
 * GET /healthz, /metrics, /orders; POST /activity with an `Activity` as query makes it do that, good or bad.
 */

const Environment = z.object({
  DATABASE_URL: z.string(),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(0).default(5),
  DATABASE_MAX_OVERFLOW: z.coerce.number().int().min(-1).default(10),
  /** Seconds, as SQLAlchemy's pool_timeout. */
  DATABASE_POOL_TIMEOUT: z.coerce.number().positive().default(30),
  /** What its memory is made for: it refuses to start with a larger pool. */
  LARGEST_POOL: z.coerce.number().int().default(10_000),
  APPLICATION_NAME: z.string().default('backend'),
  /** 0 takes any free port; the parent process is told which. */
  PORT: z.coerce.number().int().min(0).max(65_535).default(8000),
  LOCAL_ADDRESS: z.string().optional(),
});

const environment = Environment.parse(process.env);
if (environment.DATABASE_POOL_SIZE > environment.LARGEST_POOL) {
  log([toLogLine('ERROR', `a pool of more than ${environment.LARGEST_POOL} does not fit`)]);
  process.exit(1);
}
const connectErrors = new Map<string, number>();
const pool = createPool();
const shop: Shop = { pool, onFailure: logFailure };

const server = createServer((request, response) => {
  void answer(request, response);
});
server.listen(environment.PORT, '127.0.0.1', () => {
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : environment.PORT;
  const { size, maxOverflow } = pool.figures;
  log([toLogLine('INFO', `listening on ${port}, pool_size=${size} max_overflow=${maxOverflow}`)]);
  process.send?.({ port });
});

// Requests under way are cut off: PostgreSQL sees the connections go, but a running query keeps its slot.
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0)); // the sandbox died; nobody else would end this process

function createPool(): QueuePool<Connection> {
  const settings = {
    size: environment.DATABASE_POOL_SIZE,
    maxOverflow: environment.DATABASE_MAX_OVERFLOW,
    timeoutMs: environment.DATABASE_POOL_TIMEOUT * 1000,
  };
  const connector = createConnector({
    url: environment.DATABASE_URL,
    applicationName: environment.APPLICATION_NAME,
    localAddress: environment.LOCAL_ADDRESS,
  });
  return new QueuePool(settings, connector);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const route = `${request.method} ${pathname}`;
  if (route === 'GET /healthz') return send(response, 200, 'ok\n');
  if (route === 'GET /metrics')
    return send(response, 200, toMetricsText(pool.figures, connectErrors));
  if (route === 'GET /orders') {
    const served = await serve(shop, route, (connection) =>
      connection.execute('SELECT id, total FROM orders ORDER BY id DESC LIMIT 5'),
    );
    return send(response, served ? 200 : 503, served ? 'ok\n' : 'no connection to be had\n');
  }
  if (route !== 'POST /activity') return send(response, 404, 'not found\n');
  const activity = Activity.safeParse(Object.fromEntries(searchParams));
  if (!activity.success) return send(response, 400, z.prettifyError(activity.error));
  startActivity(shop, activity.data);
  return send(response, 202, 'started\n');
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4' }).end(text);
}

function logFailure(what: string, error: unknown): void {
  if (error instanceof DatabaseError && error.severity === 'FATAL') {
    const sqlstate = error.code ?? 'none';
    connectErrors.set(sqlstate, (connectErrors.get(sqlstate) ?? 0) + 1);
  }
  const { hostname, port } = new URL(environment.DATABASE_URL);
  log(toLogLines(what, error, `"${hostname}", port ${port}`));
}

function log(lines: readonly string[]): void {
  process.stderr.write(`${lines.join('\n')}\n`);
}

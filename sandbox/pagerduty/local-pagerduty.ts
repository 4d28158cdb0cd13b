import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ChangeEvent, Event } from './events.ts';
import { createLocalService } from './service.ts';
import type { LocalPage } from './service.ts';

/** events.pagerduty.com at the wire, as strict as its documentation says it is, with one service. */
export interface LocalPagerDuty {
  readonly url: string;
  readonly pages: readonly LocalPage[];
  /** Summaries of change events. */
  readonly changes: readonly string[];
  /** Every call that came, whatever it was answered. */
  readonly calls: readonly string[];
  /** The next calls are answered like this, and not taken unless `taken`. */
  misbehave(mishap: Mishap, times?: number): void;
  close(): Promise<void>;
}

interface Mishap {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Taken all the same, as when the answer gets lost. */
  readonly taken?: boolean;
}

interface LocalPagerDutyOptions {
  readonly routingKey: string;
  readonly port?: number;
  /** For its rate limit; milliseconds. */
  readonly now?: () => number;
  /** Hears every event that was taken. */
  readonly onPaged?: (path: string, body: unknown) => void;
}

const mostBytes = 512 * 1024;
const mostCalls = 120;
const limitWindowMs = 60_000;

export async function startPagerDuty(options: LocalPagerDutyOptions): Promise<LocalPagerDuty> {
  const { routingKey, port = 0, now = Date.now, onPaged = () => undefined } = options;
  const service = createLocalService();
  const calls: string[] = [];
  const mishaps: Mishap[] = [];
  let recent: number[] = [];

  const take = (path: string, body: string): Answer => {
    recent = recent.filter((at) => at > now() - limitWindowMs);
    if (recent.length >= mostCalls) return { status: 429, body: { status: 'throttle exceeded' } };
    recent.push(now());
    const answer =
      path === '/v2/enqueue'
        ? takeEvent(body, routingKey, service.take)
        : takeChange(body, routingKey, service.change);
    if (answer.status === 202) onPaged(path, toJson(body));
    return answer;
  };
  const respond = async (request: IncomingMessage): Promise<Answer> => {
    const { pathname: path } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method === 'GET' && path === '/incidents') {
      return { status: 200, body: { incidents: service.pages, changes: service.changes } };
    }
    if (request.method !== 'POST' || !/^\/v2\/(?:change\/)?enqueue$/.test(path)) {
      return { status: 404, body: { status: 'not found' } };
    }
    calls.push(path);
    const body = await readBody(request);
    if (body === undefined) return { status: 413, body: { status: 'too large' } };
    const mishap = mishaps.shift();
    if (mishap === undefined) return take(path, body);
    if (mishap.taken === true) take(path, body);
    return { ...mishap, body: { status: 'mishap' } };
  };
  const server = createServer((request, response) => {
    respond(request).then(
      (found) => send(response, found),
      () => send(response, { status: 500, body: { status: 'broken' } }),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    pages: service.pages,
    changes: service.changes,
    calls,
    misbehave: (mishap, times = 1) =>
      void mishaps.push(...Array.from({ length: times }, () => mishap)),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

function takeEvent(body: string, key: string, take: (event: Event) => string): Answer {
  const event = Event.safeParse(toJson(body));
  if (!event.success) return invalid(event.error.issues.map(({ message }) => message));
  if (event.data.routing_key !== key) return invalid(['Invalid routing key']);
  const message = 'Event processed';
  return { status: 202, body: { status: 'success', message, dedup_key: take(event.data) } };
}

function takeChange(body: string, key: string, take: (event: ChangeEvent) => void): Answer {
  const event = ChangeEvent.safeParse(toJson(body));
  if (!event.success) return invalid(event.error.issues.map(({ message }) => message));
  if (event.data.routing_key !== key) return invalid(['Invalid routing key']);
  take(event.data);
  return { status: 202, body: { status: 'success', message: 'Change event processed' } };
}

function invalid(errors: readonly string[]): Answer {
  return {
    status: 400,
    body: { status: 'invalid event', message: 'Event object is invalid', errors },
  };
}

function toJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Undefined when it is larger than PagerDuty takes. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  const pieces: AsyncIterable<Buffer> = request;
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    // Read to its end: a connection that is cut while the client still sends takes the answer with it.
    if (bytes <= mostBytes) chunks.push(piece);
  }
  if (bytes > mostBytes) return undefined;
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

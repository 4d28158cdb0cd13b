import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long a client may take, in milliseconds. */
export interface HttpBounds {
  readonly headersTimeout: number;
  /** For the whole request, from its first byte to its last. */
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  /** How often the two above are looked after. */
  readonly connectionsCheckingInterval: number;
}

export interface BoundedServer {
  /** Undefined while it does not listen. */
  readonly port: number | undefined;
  /** Rejects as `listen` does where the port cannot be had. 0 takes any free port; all interfaces without a host. */
  open(address: { readonly port: number; readonly host?: string }): Promise<void>;
  /** Takes nothing more on, and lets what is under way end within three seconds. Safe to call twice. */
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
/** Prometheus, Alertmanager, a supervisor and Slack need a few dozen; what is beyond is closed unheard. */
const mostConnections = 200;
const lastRequestsMs = 3000;

/** An HTTP server that bounds its connections, and how long and how large their headers may be. */
export function createBoundedServer(
  serve: (request: IncomingMessage, response: ServerResponse) => void,
  bounds: HttpBounds = usualBounds,
): BoundedServer {
  const server = createServer({ ...bounds, maxHeaderSize: headerBytes }, (request, response) => {
    // Both end a connection that breaks off; without a listener the process would end with it.
    request.on('error', () => response.destroy());
    response.on('error', () => response.destroy());
    serve(request, response);
  });
  server.maxConnections = mostConnections;
  // For a client that opens a connection and sends nothing: there the header's time-out does not count yet.
  server.timeout = 3 * bounds.requestTimeout;
  return {
    get port() {
      const address = server.address();
      return address !== null && typeof address === 'object' ? address.port : undefined;
    },
    async open({ port, host }) {
      server.listen(port, host);
      await once(server, 'listening');
    },
    async close() {
      if (!server.listening) return;
      const cut = setTimeout(() => server.closeAllConnections(), lastRequestsMs);
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await closed;
      clearTimeout(cut);
    },
  };
}

/** A group of a thousand alerts is under a megabyte; nothing larger is a webhook of ours. */
export const largestBodyBytes = 1024 * 1024;

/** What all requests together may hold in memory: a burst of small ones fits, a burst of the largest waits. */
export class BodyBudget {
  readonly #totalBytes: number;
  #heldBytes = 0;

  constructor(totalBytes = 16 * largestBodyBytes) {
    this.#totalBytes = totalBytes;
  }

  /** False, and nothing is taken, where it does not fit any more. */
  take(bytes: number): boolean {
    if (this.#heldBytes + bytes > this.#totalBytes) return false;
    this.#heldBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}

type Body =
  | { readonly kind: 'read'; readonly text: string }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'broken-off' };

/** Reads a request's body, and stops at the first byte too many, whatever its Content-Length says. */
export async function readBody(request: IncomingMessage, budget: BodyBudget): Promise<Body> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > largestBodyBytes) return { kind: 'too-large' };
  const { promise, resolve } = Promise.withResolvers<Body>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    if (bytes + chunk.length > largestBodyBytes) return resolve({ kind: 'too-large' });
    if (!budget.take(chunk.length)) return resolve({ kind: 'busy' });
    bytes += chunk.length;
    chunks.push(chunk);
    return undefined;
  };
  const onEnd = (): void => resolve({ kind: 'read', text: Buffer.concat(chunks).toString('utf8') });
  const onBroken = (): void => resolve({ kind: 'broken-off' });
  request.on('data', onData).once('end', onEnd).once('error', onBroken).once('close', onBroken);
  const body = await promise;
  request.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
  // A refused request lives on until its client stops sending; what was read of it must not.
  chunks.length = 0;
  budget.giveBack(bytes);
  return body;
}

/** What a request is answered with: a status and a text that holds nothing of the request. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The rest of the request is not wanted: its connection is closed. */
  readonly close?: boolean;
}

/** A client that is still sending hears the answer only if it is given a moment before the connection goes. */
const lingerMs = 1000;
const lingerBytes = 8 * 1024 * 1024;

/** An answer of one sentence. */
export function say(status: number, sentence: string, rest: Partial<Reply> = {}): Reply {
  return { status, body: `${sentence}\n`, ...rest };
}

export function sendReply(response: ServerResponse, reply: Reply): void {
  const { body, close = false, contentType = 'text/plain; charset=utf-8', headers, status } = reply;
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
    ...(close && { connection: 'close' }),
  });
  if (close && !response.req.complete) linger(response, body);
  else response.end(body);
}

/** Says everything, and ends only after the client stopped sending, or after a second or 8 MB of it. */
function linger(response: ServerResponse, body: string): void {
  let bytes = 0;
  const end = (): void => {
    clearTimeout(late);
    response.end();
  };
  const late = setTimeout(end, lingerMs);
  response.write(body);
  response.req
    .on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > lingerBytes) end();
    })
    .once('end', end)
    .once('close', end)
    .resume();
}

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** One call of Slack's Web API as it went over the wire. */
interface WireCall {
  /** `chat.update`. */
  readonly method: string;
  /** What was sent, as it was sent. */
  readonly body: string;
  readonly status: number;
  /** Milliseconds of performance.now(), when it came. */
  readonly atMs: number;
}

/** Stands between dbconn and Slack's Web API, changes nothing, and remembers every call. */
export interface Wire {
  /** What SLACK_API_URL must be. */
  readonly apiUrl: string;
  readonly calls: readonly WireCall[];
  /** How many calls of a method came, those refused with 429 included. */
  count(method: string): number;
  close(): Promise<void>;
}

export async function startWire(slackApiUrl: string): Promise<Wire> {
  const calls: WireCall[] = [];
  const forward = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const atMs = performance.now();
    const method = (request.url ?? '').replace(/^\/api\//, '').replace(/\?.*/, '');
    const body = await readAll(request);
    const { authorization, 'content-type': type } = request.headers;
    const answered = await fetch(new URL(method, slackApiUrl), {
      method: request.method ?? 'POST',
      headers: {
        ...(authorization !== undefined && { authorization }),
        ...(type !== undefined && { 'content-type': type }),
      },
      ...(body !== '' && { body }),
    });
    calls.push({ method, body, status: answered.status, atMs });
    const kept = ['content-type', 'retry-after', 'x-oauth-scopes'].flatMap((name) => {
      const value = answered.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    response.writeHead(answered.status, Object.fromEntries(kept));
    response.end(await answered.text());
  };
  const server = createServer((request, response) => {
    // What Slack cut off is cut off here too.
    forward(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  return {
    apiUrl: `http://127.0.0.1:${address.port}/api/`,
    calls,
    count: (method) => calls.filter((call) => call.method === method).length,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readAll(request: IncomingMessage): Promise<string> {
  const pieces: AsyncIterable<Buffer> = request;
  const chunks: Buffer[] = [];
  for await (const piece of pieces) chunks.push(piece);
  return Buffer.concat(chunks).toString('utf8');
}

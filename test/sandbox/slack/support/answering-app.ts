import { createServer } from 'node:http';
import { onTestFinished } from 'vitest';

interface Received {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** What an app under test saw, newest last. */
export type Seen = Received[];

/**
 * The smallest app over HTTP: answers every request with `answer` and notes it in `seen`.
 * A number is a bare status; an object is JSON. Returns its request URL.
 */
export async function startAnsweringApp(
  answer: number | Readonly<Record<string, unknown>>,
  seen: Seen = [],
): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
      if (typeof answer === 'number') {
        response.writeHead(answer).end();
        return;
      }
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return `http://127.0.0.1:${String(port)}/slack/events`;
}

import type { ServerResponse } from 'node:http';

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

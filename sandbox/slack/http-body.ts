import type { IncomingMessage, ServerResponse } from 'node:http';
import { SlackRefusal } from './slack-refusal.ts';

/** Larger than anything dbconn sends to a method. */
export const MAX_CALL_BYTES = 2_000_000;
/** The largest file, with room for its multipart wrapping. */
export const MAX_UPLOAD_BYTES = 21_000_000;

/** @throws SlackRefusal with status 413 beyond `maxBytes`. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    // The rest is read and dropped: an answer before its end would reach the sender as a reset.
    if (size <= maxBytes) chunks.push(chunk);
  }
  if (size > maxBytes) throw new SlackRefusal('request_too_large', { status: 413 });
  return Buffer.concat(chunks);
}

/** The fields and files of a multipart body. */
export async function readForm(bytes: Buffer, contentType: string): Promise<FormData> {
  const response = new Response(new Uint8Array(bytes), {
    headers: { 'content-type': contentType },
  });
  return response.formData();
}

export function sendJson(
  response: ServerResponse,
  answer: {
    readonly status: number;
    readonly body: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  },
): void {
  response.writeHead(answer.status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...answer.headers,
  });
  response.end(JSON.stringify(answer.body));
}

/** A JSON object from a body. @throws SlackRefusal with status 400 otherwise. */
export function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new SlackRefusal('invalid_json', { status: 400 });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new SlackRefusal('json_not_object', { status: 400 });
  }
  return { ...parsed };
}

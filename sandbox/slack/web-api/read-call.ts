import type { IncomingMessage } from 'node:http';
import { MAX_CALL_BYTES, parseObject, readBody, readForm } from '../http-body.ts';
import { SlackRefusal } from '../slack-refusal.ts';
import type { MethodCall } from './call-method.ts';

type Args = Readonly<Record<string, unknown>>;

async function readArgs(request: IncomingMessage, query: URLSearchParams): Promise<Args> {
  const fromQuery = Object.fromEntries(query);
  if (request.method === 'GET') return fromQuery;
  const bytes = await readBody(request, MAX_CALL_BYTES);
  const contentType = request.headers['content-type'] ?? '';
  if (bytes.byteLength === 0) return fromQuery;
  if (contentType.startsWith('application/json')) return parseObject(bytes);
  if (contentType.startsWith('application/x-www-form-urlencoded')) {
    return { ...fromQuery, ...Object.fromEntries(new URLSearchParams(bytes.toString('utf8'))) };
  }
  if (contentType.startsWith('multipart/form-data')) {
    return { ...fromQuery, ...Object.fromEntries(await readForm(bytes, contentType)) };
  }
  throw new SlackRefusal(contentType === '' ? 'missing_post_type' : 'invalid_post_type');
}

/**
 * A Web API call off the wire: form or JSON arguments, the token from the Authorization header or,
 * as the SDK also sends it, from the arguments.
 */
export async function readCall(request: IncomingMessage, url: URL): Promise<MethodCall> {
  // Clients of Bolt's pool name the team in every call; there is only one here.
  const { token, team_id: _only, ...args } = await readArgs(request, url.searchParams);
  const [, bearer] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
  return {
    method: url.pathname.slice('/api/'.length),
    token: bearer ?? (typeof token === 'string' ? token : undefined),
    args,
  };
}

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';

/** A stream as it was pushed; the time of a line is milliseconds since the epoch. */
export interface PushedStream {
  readonly labels: Readonly<Record<string, string>>;
  readonly lines: readonly (readonly [atMs: number, line: string])[];
}

type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

interface LocalLoki {
  readonly url: string;
  /** What was asked, path and parameters as they came. */
  readonly asked: readonly URL[];
  /** The headers of each question. */
  readonly headers: readonly IncomingMessage['headers'][];
}

interface LokiOptions {
  readonly streams?: readonly PushedStream[];
  /** With several tenants each question names one. */
  readonly tenant?: string;
  /** Instead of Loki's own answer. */
  readonly instead?: Behaviour;
}

/** As `limits_config` has it. */
const mostEntries = 5000;

/**
 * Loki's HTTP API as its reference has it (Loki 3, "Query logs within a range of time", "Query streams", "Troubleshoot
 * query errors"): the newest lines first, nanoseconds as text, errors as plain text. Of LogQL it reads one selector of
 * equal labels and one `|=`. It ends with the test.
 */
export async function startLoki({
  streams = [],
  tenant,
  instead,
}: LokiOptions): Promise<LocalLoki> {
  const asked: URL[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://loki');
    asked.push(url);
    headers.push(request.headers);
    if (instead !== undefined) return instead(request, response);
    if (tenant !== undefined && request.headers['x-scope-orgid'] !== tenant) {
      return refuse(response, 401, 'no org id');
    }
    answer(url, streams, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  return { url: `http://127.0.0.1:${address.port}`, asked, headers };
}

function refuse(response: ServerResponse, status: number, text: string): void {
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
  };
  response.writeHead(status, headers).end(`${text}\n`);
}

function answer(url: URL, streams: readonly PushedStream[], response: ServerResponse): void {
  const { pathname, searchParams } = url;
  if (!/^\/loki\/api\/v1\/(?:query_range|series)$/.test(pathname)) {
    return refuse(response, 404, '404 page not found');
  }
  const isSeries = pathname.endsWith('/series');
  const query = searchParams.get(isSeries ? 'match[]' : 'query') ?? '';
  const [, inner, filter = ''] = /^\{([^{}]*)\}(?: \|= "([^"]*)")?$/.exec(query) ?? [];
  if (inner === undefined || (isSeries && filter !== '')) {
    const text =
      'parse error at line 1, col 18: syntax error: unexpected IDENTIFIER, expecting STRING';
    return refuse(response, 400, text);
  }
  const limit = Number(searchParams.get('limit') ?? 100);
  if (limit > mostEntries) {
    const text = `max entries limit per query exceeded, limit > max_entries_limit_per_query (${limit} > ${mostEntries})`;
    return refuse(response, 400, text);
  }
  const startMs = Number(BigInt(searchParams.get('start') ?? '0') / 1_000_000n);
  const wanted = [...inner.matchAll(/(\w+)="([^"]*)"/g)];
  const matching = streams.filter(
    ({ labels, lines }) =>
      wanted.every(([, name = '', value]) => labels[name] === value) &&
      lines.some(([atMs]) => atMs >= startMs),
  );
  const data = isSeries
    ? matching.map(({ labels }) => labels)
    : { resultType: 'streams', result: toResult(matching, { startMs, limit, filter }), stats: {} };
  response.setHeader('content-type', 'application/json; charset=UTF-8');
  response.end(JSON.stringify({ status: 'success', data }));
}

function toResult(
  streams: readonly PushedStream[],
  { startMs, limit, filter }: { startMs: number; limit: number; filter: string },
): unknown[] {
  const found = streams.flatMap(({ labels, lines }) =>
    lines
      .filter(([atMs, line]) => atMs >= startMs && line.includes(filter))
      .map(([atMs, line], index) => ({
        labels,
        at: BigInt(atMs) * 1_000_000n + BigInt(index),
        line,
      })),
  );
  const newest = found.toSorted((a, b) => (a.at < b.at ? 1 : -1)).slice(0, limit);
  const byStream = Map.groupBy(newest, ({ labels }) => labels);
  return [...byStream].map(([stream, entries]) => ({
    stream,
    values: entries.map(({ at, line }) => [String(at), line]),
  }));
}

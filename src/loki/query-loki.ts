import { z } from 'zod';
import type { Problem } from '../runbook/snapshot/snapshot.ts';

/** `logs.loki` of dbconn.yml. */
export interface LokiAddress {
  /** What stands before /loki/api/v1. May hold a user and a password. */
  readonly url: string;
  /** LogQL, as the runbook gives it: `{container="backend"} |= "connection"`. */
  readonly query: string;
  readonly bearer?: string;
  readonly basic?: { readonly user: string; readonly password: string };
  /** Where one Loki serves several. */
  readonly tenant?: string;
}

/** Streams of lines, newest line first, each line with its nanoseconds since the epoch. */
const Stream = z.object({
  stream: z.record(z.string(), z.string()),
  // Behind the line Loki 3 may have an object of structured metadata.
  values: z.array(z.tuple([z.string().regex(/^\d{1,19}$/), z.string()], z.unknown())),
});
export type Stream = z.infer<typeof Stream>;

const Found = z.object({
  status: z.literal('success'),
  data: z.discriminatedUnion('resultType', [
    z.object({ resultType: z.literal('streams'), result: z.array(Stream) }),
    z.object({ resultType: z.enum(['matrix', 'vector', 'scalar']) }),
  ]),
});
const Series = z.object({ status: z.literal('success'), data: z.array(z.unknown()).nullish() });

export type Answer<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

interface Range {
  readonly startMs: number;
  /** Lines of all streams together, the newest. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** The newest lines of the query. Never throws. */
export async function queryRange(
  address: LokiAddress,
  { startMs, limit, signal }: Range,
): Promise<Answer<readonly Stream[]>> {
  const parameters = {
    query: address.query,
    // Without an end Loki takes its own clock's now, and leaves no line out that ours would call late.
    start: `${startMs}000000`,
    limit: String(limit),
    direction: 'backward',
  };
  const answer = await ask(address, { path: 'query_range', parameters, as: Found }, signal);
  if (!answer.ok) return answer;
  const { data } = answer.value;
  if (data.resultType === 'streams') return { ok: true, value: data.result };
  const summary = 'logs.loki.query gives figures instead of log lines.';
  return refused('invalid', summary, 'Write it without rate, count_over_time and the like.');
}

/** Whether Loki knows any stream of the query's selector: an empty answer alone may be a mistyped label. Never throws. */
export async function hasStreams(
  address: LokiAddress,
  { startMs, signal }: Omit<Range, 'limit'>,
): Promise<Answer<boolean>> {
  const parameters = { 'match[]': selectorOf(address.query), start: `${startMs}000000` };
  const answer = await ask(address, { path: 'series', parameters, as: Series }, signal);
  return answer.ok ? { ok: true, value: (answer.value.data ?? []).length > 0 } : answer;
}

/** `{…}` at the beginning of a query; a brace within quotes does not end it. */
function selectorOf(query: string): string {
  const [selector] = /^\s*\{(?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`}])*\}/.exec(query) ?? [query];
  return selector.trim();
}

interface Question<T> {
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly as: z.ZodType<T>;
}

async function ask<T>(
  address: LokiAddress,
  { path, parameters, as }: Question<T>,
  signal: AbortSignal,
): Promise<Answer<T>> {
  const shown = `Loki at ${new URL(address.url).host}`;
  try {
    const response = await fetch(toUrl(address.url, path, parameters), {
      headers: toHeaders(address),
      // A redirect would carry the credentials to an address that nobody configured.
      redirect: 'manual',
      signal,
    });
    const text = await readText(response, response.status === 200 ? mostBytes : mostErrorBytes);
    if (response.status !== 200) return judge(response.status, text ?? '', shown);
    if (text === undefined) {
      const fix = 'Narrow logs.loki.query, or lower logs.tail.';
      return refused('invalid', `${shown} sends more than 8 MB.`, fix);
    }
    const read = as.safeParse(parseJson(text));
    if (read.success) return { ok: true, value: read.data };
    const fix = 'Check logs.loki.url: another program may answer there.';
    return refused('invalid', `${shown} does not answer as Loki does.`, fix);
  } catch (error) {
    return { ok: false, problem: toProblem(error, shown) };
  }
}

function toUrl(base: string, path: string, parameters: Readonly<Record<string, string>>): URL {
  const url = new URL(base);
  url.username = '';
  url.password = '';
  url.search = '';
  const prefix = url.pathname.replace(/(?:\/loki\/api\/v1(?:\/.*)?|\/)$/, '');
  url.pathname = `${prefix}/loki/api/v1/${path}`;
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}

function toHeaders({ url, bearer, basic, tenant }: LokiAddress): Record<string, string> {
  const { username, password } = new URL(url);
  const inUrl = { user: decodeURIComponent(username), password: decodeURIComponent(password) };
  const pair = basic ?? (username === '' && password === '' ? undefined : inUrl);
  const encoded = Buffer.from(`${pair?.user}:${pair?.password}`).toString('base64');
  return {
    accept: 'application/json',
    ...(pair !== undefined && { authorization: `Basic ${encoded}` }),
    ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    ...(tenant !== undefined && { 'x-scope-orgid': tenant }),
  };
}

/** As much as all containers' logs of one snapshot may have together. */
const mostBytes = 8 * 1024 * 1024;
/** An error of Loki's is a line of text. */
const mostErrorBytes = 4096;

/** Undefined where there is more than that; the connection is closed then. */
async function readText(response: Response, most: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const pieces: AsyncIterable<Uint8Array> | readonly Uint8Array[] = response.body ?? [];
  for await (const chunk of pieces) {
    bytes += chunk.length;
    if (bytes > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refused(kind: Problem['kind'], summary: string, fix: string): Answer<never> {
  return { ok: false, problem: { kind, summary, fix } };
}

/** What Loki's status means. Its text is only recognised, never shown: it is somebody else's. */
function judge(status: number, text: string, shown: string): Answer<never> {
  if (status === 400) return judgeQuery(text, shown);
  if (status === 401 && text.includes('no org id')) {
    const fix = 'Set logs.loki.tenant to its name.';
    return refused('forbidden', `${shown} asks for a tenant (401).`, fix);
  }
  if (status === 401 || status === 403) {
    const fix = 'Check logs.loki.bearer or logs.loki.basic, and the tenant.';
    return refused('forbidden', `${shown} refuses dbconn (${status}).`, fix);
  }
  if (status === 404 || (status >= 300 && status < 400)) {
    const fix = 'Set logs.loki.url to what comes before /loki/api/v1.';
    return refused('missing', `${shown} has no API at this address (${status}).`, fix);
  }
  if (status === 429) {
    const fix = "Check Loki's limits of queries, and narrow logs.loki.query.";
    return refused('unreachable', `${shown} takes no more queries now (429).`, fix);
  }
  const fix = 'Check the log of Loki: it could not answer.';
  return refused('unreachable', `${shown} answers with status ${status}.`, fix);
}

function judgeQuery(text: string, shown: string): Answer<never> {
  if (text.includes('max entries limit')) {
    const fix = 'Lower logs.tail: each service counts that often.';
    return refused('invalid', `${shown} refuses that many lines (400).`, fix);
  }
  const [, line, column] = /parse error at line (\d{1,4}), col (\d{1,5})/.exec(text) ?? [];
  const where = line === undefined ? '' : `, at line ${line}, column ${column}`;
  const fix =
    'Correct the query: a selector such as {container="backend"} comes first. Grafana shows what it finds.';
  return refused('invalid', `${shown} refuses logs.loki.query (400)${where}.`, fix);
}

/** The text of the error is left out: it may hold an address. */
function toProblem(error: unknown, shown: string): Problem {
  const code = codeOf(error);
  const fix = 'Check logs.loki.url, and the network between.';
  if (code === 'ECONNREFUSED') {
    return { kind: 'unreachable', summary: `Nothing listens at ${shown}.`, fix };
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return { kind: 'unreachable', summary: `The name of ${shown} cannot be resolved here.`, fix };
  }
  if (/CERT|^ERR_TLS|SIGNATURE/.test(code)) {
    const trust = 'Set NODE_EXTRA_CA_CERTS to its authority.';
    const summary = `The certificate of ${shown} is not trusted.`;
    return { kind: 'unreachable', summary, fix: trust };
  }
  const reason = /^[A-Z_0-9]+$/.test(code) ? ` (${code})` : '';
  return { kind: 'unreachable', summary: `Reading ${shown} failed${reason}.`, fix };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  // A name with several addresses fails with one error for each.
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return codeOf(error.cause);
}

import { request } from 'undici';
import type { Agent, Dispatcher } from 'undici';
import type { Problem } from '../runbook/snapshot/snapshot.ts';
import { toShown } from './replicas.ts';
import type { Replica } from './replicas.ts';

/** Turns what the HTTP client throws into words. Its own text is left out: it may hold addresses and headers. */
function toProblem(error: unknown, shown: string): Problem {
  const code = codeOf(error);
  if (isTimeout(error, code)) {
    const fix = 'The process may be stuck waiting for a connection: read its log.';
    return { kind: 'timeout', summary: `${shown} did not answer within 2 seconds.`, fix };
  }
  if (code === 'ECONNREFUSED') {
    const fix = 'See whether the service is running, and its port.';
    return { kind: 'unreachable', summary: `Nothing listens on ${shown}.`, fix };
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const fix = "Correct the name, or attach dbconn to the service's network.";
    return { kind: 'unreachable', summary: `The name of ${shown} cannot be resolved here.`, fix };
  }
  if (code.includes('CERT') || code.startsWith('ERR_TLS') || code.includes('SIGNATURE')) {
    const fix = 'Set NODE_EXTRA_CA_CERTS to its authority, or use http inside the network.';
    return { kind: 'unreachable', summary: `The certificate of ${shown} is not trusted.`, fix };
  }
  const reason = /^[A-Z_0-9]+$/.test(code) ? ` (${code})` : '';
  const summary = `Reading ${shown} failed${reason}.`;
  return {
    kind: 'unreachable',
    summary,
    fix: 'Check whether the service is running and reachable.',
  };
}

function isTimeout(error: unknown, code: string): boolean {
  if (code.includes('TIMEOUT') || code === 'ETIMEDOUT') return true;
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  // A name with several addresses fails with one error for each.
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return codeOf(error.cause);
}

/** A backend with every exporter switched on stays under 300 kB. */
const bodyMaxBytes = 1024 * 1024;

export interface FetchOptions {
  readonly replica: Replica;
  readonly agent: Agent;
  readonly signal: AbortSignal;
}

type Answer =
  | { readonly text: string; readonly contentType: string; readonly problem?: Problem }
  | { readonly text?: undefined; readonly problem: Problem };

/**
 * The text of a metrics endpoint, at most its first 1 MB up to a line's end (then with a problem that says
 * so), whatever its content type says: people serve metrics as text/html. Redirects are refused: they would carry the headers' secrets to an address nobody configured.
 */
export async function fetchMetrics(
  { replica, agent, signal }: FetchOptions,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const shown = toShown(replica);
  if (!/^https?:\/\//.test(replica.url) || !URL.canParse(replica.url)) {
    const summary = 'The address of a pool endpoint is not an http:// or https:// address.';
    return { problem: { kind: 'invalid', summary, fix: 'Correct `pools` in dbconn.yml.' } };
  }
  try {
    const response = await request(toPlainUrl(replica.url), {
      dispatcher: agent,
      signal,
      headers: { ...toHeaders(replica.url, replica.host), ...headers },
    });
    const refusal = judgeStatus(response, shown);
    if (refusal === undefined) {
      const contentType = toContentType(response.headers['content-type']);
      return { contentType, ...(await readText(response.body, shown)) };
    }
    response.body.on('error', () => {}).destroy(); // its abort is our own doing
    return { problem: refusal };
  } catch (error) {
    return { problem: toProblem(error, shown) };
  }
}

function toPlainUrl(url: string): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain;
}

function toHeaders(url: string, host: string | undefined): Record<string, string> {
  const { username, password } = new URL(url);
  const secret = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    // Without it some client libraries answer with protocol buffers.
    accept: 'text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5',
    ...(secret !== ':' && { authorization: `Basic ${Buffer.from(secret).toString('base64')}` }),
    ...(host !== undefined && { host }),
  };
}

function judgeStatus({ statusCode }: Dispatcher.ResponseData, shown: string): Problem | undefined {
  if (statusCode >= 300 && statusCode < 400) {
    const summary = `${shown} redirects (${statusCode}); dbconn does not follow.`;
    return { kind: 'invalid', summary, fix: 'Configure the final address of the metrics.' };
  }
  if (statusCode === 401 || statusCode === 403) {
    const summary = `${shown} refuses dbconn (${statusCode}).`;
    return { kind: 'forbidden', summary, fix: 'Set `headers` of this endpoint in dbconn.yml.' };
  }
  if (statusCode === 404) {
    const fix = 'Check the path of this address; often it is /metrics.';
    return { kind: 'missing', summary: `${shown} does not exist (404).`, fix };
  }
  if (statusCode !== 200) {
    const fix = "Read the service's log: its metrics fail, its requests may too.";
    return { kind: 'invalid', summary: `${shown} answers with status ${statusCode}.`, fix };
  }
  return undefined;
}

/** Without its parameters. What the other side sends is shown, so it is held to the letters of a media type. */
function toContentType(header: string | string[] | undefined): string {
  const [type = ''] = String(header ?? '').split(';', 1);
  return /^[\w.+-]{1,60}\/[\w.+-]{1,60}$/.test(type.trim()) ? type.trim() : 'none';
}

async function readText(
  body: Dispatcher.ResponseData['body'],
  shown: string,
): Promise<{ text: string; problem?: Problem }> {
  const chunks: Buffer[] = [];
  const pieces: AsyncIterable<Buffer> = body;
  let bytes = 0;
  for await (const piece of pieces) {
    chunks.push(piece.subarray(0, bodyMaxBytes - bytes));
    bytes += piece.length;
    if (bytes > bodyMaxBytes) {
      // Leaving the loop closes the connection. The last line may be cut within a number.
      const text = Buffer.concat(chunks).toString('utf8');
      const summary = `${shown} sends more than 1 MB; only its first part was read.`;
      const fix = 'Serve the pool metrics on an address of their own.';
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      return { text: whole, problem: { kind: 'invalid', summary, fix } };
    }
  }
  return { text: Buffer.concat(chunks).toString('utf8') };
}

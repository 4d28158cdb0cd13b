import type { Logger } from 'pino';
import { PagerRefused } from '../runbook/escalation/ports.ts';
import { pauseBefore } from '../timing.ts';
import type { Clock } from '../timing.ts';

/** What a pager's adapter speaks over, handed in so that time and network can be another in a test. */
export interface Wire {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  /** Aborts what waits, when the bot stops. */
  readonly signal?: AbortSignal;
}

interface Delivery {
  /** `PagerDuty`: for sentences. */
  readonly name: string;
  readonly url: string;
  readonly body: string;
  /** Made again for each attempt: a signature holds its time. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** Blanked wherever the service's answer repeats it. */
  readonly secret: string;
  /** What to do when the service says that the call itself is wrong. */
  readonly fix: string;
}

/** The bound of the Pager port: the caller calls somebody else then. */
const longestMs = 2 * 60_000;
const attemptMs = 10_000;
const firstPauseMs = 1000;
const longestPauseMs = 30_000;
/** PagerDuty asks for pauses of half a minute when it says 429 and no time. */
const limitedPauseMs = 30_000;
/** An answer is a line of JSON. */
const answerBytes = 2000;

/**
 * Posts a body until it is taken (2xx), refused for good (3xx, 4xx), or two minutes are over. Limits (429), errors
 * of the server (5xx) and of the network are tried again. Redirects are not followed: they would carry a key to an
 * address nobody configured. Throws PagerRefused; neither it nor the log holds an address's path or a key.
 */
export async function deliver(wire: Wire, delivery: Delivery): Promise<void> {
  const { clock, log, signal } = wire;
  const { name } = delivery;
  const deadline = clock.now() + longestMs;
  for (let tries = 1; ; tries += 1) {
    const answer = await attempt(wire, delivery);
    if (answer.kind === 'taken') return;
    log.warn({ tries, ...answer }, `${name} did not accept a request`);
    if (answer.kind === 'refused') {
      throw new PagerRefused(
        `${name} refused the request (${answer.status}). ${delivery.fix}`,
        false,
      );
    }
    const pauseMs = answer.pauseMs ?? pauseBefore(tries - 1, firstPauseMs, longestPauseMs);
    if (clock.now() + pauseMs + attemptMs > deadline || signal?.aborted === true) {
      throw new PagerRefused(`${name} did not accept the request: ${answer.why}.`, true);
    }
    await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}

const probeMs = 2000;

/** Whether an HTTP server answers at the host of an address. Neither path nor key is sent: nothing can be acted on. */
export async function answers({ fetch }: Pick<Wire, 'fetch'>, url: string): Promise<boolean> {
  try {
    const { origin } = new URL(url);
    const signal = AbortSignal.timeout(probeMs);
    await fetch(origin, { method: 'HEAD', redirect: 'manual', signal });
    return true;
  } catch {
    return false; // doctor says that it gives no answer
  }
}

type Attempt =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly status: number; readonly answer: string }
  | { readonly kind: 'later'; readonly why: string; readonly pauseMs?: number };

async function attempt({ fetch, signal }: Wire, delivery: Delivery): Promise<Attempt> {
  const timeout = AbortSignal.timeout(attemptMs);
  try {
    const response = await fetch(delivery.url, {
      method: 'POST',
      body: delivery.body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'dbconn',
        ...delivery.headers(),
      },
      redirect: 'manual',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    return await judge(response, delivery.secret);
  } catch (error) {
    // The client's own message may hold the address, which is a secret with some services.
    return { kind: 'later', why: timeout.aborted ? 'no answer within 10 s' : codeOf(error) };
  }
}

async function judge(response: Response, secret: string): Promise<Attempt> {
  const { status, headers } = response;
  const answer = (await readSome(response)).replaceAll(secret, '[key]');
  if (response.ok) return { kind: 'taken' };
  if (status === 429) {
    return { kind: 'later', why: 'rate limited (429)', pauseMs: pauseOf(headers) };
  }
  if (status === 408 || status >= 500) return { kind: 'later', why: `it failed (HTTP ${status})` };
  return { kind: 'refused', status, answer };
}

/** Seconds, as services give them. Longer than the bound is said at once to be too long. */
function pauseOf(headers: Headers): number {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : limitedPauseMs;
}

/** The beginning of an answer; the rest is not waited for. */
async function readSome({ body }: Response): Promise<string> {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const pieces: AsyncIterable<Uint8Array> = body;
  for await (const chunk of pieces) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= answerBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, answerBytes).toString('utf8');
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const inner: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : '';
  return /^[A-Z_0-9]+$/.test(code) ? `not reachable (${code})` : 'not reachable';
}

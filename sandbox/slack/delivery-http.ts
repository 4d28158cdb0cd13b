import { createHmac } from 'node:crypto';
import type { Acknowledgement, Delivery, Envelope } from './delivery.ts';

/** More than any acknowledgement holds; a request URL that streams for ever is cut off here. */
const MAX_ACK_BYTES = 1_000_000;

function encode({ type, payload }: Envelope): { body: string; contentType: string } {
  const form = 'application/x-www-form-urlencoded';
  switch (type) {
    case 'events_api':
      return { body: JSON.stringify(payload), contentType: 'application/json' };
    case 'interactive': {
      const fields = new URLSearchParams({ payload: JSON.stringify(payload) });
      return { body: fields.toString(), contentType: form };
    }
    case 'slash_commands': {
      const fields = Object.entries(payload).map(([key, value]) => [key, String(value)]);
      return { body: new URLSearchParams(fields).toString(), contentType: form };
    }
    default:
      return type satisfies never;
  }
}

/** The v0 signature over the exact bytes of the body; `seconds` is Unix time. */
function signRequest(secret: string, seconds: number, body: string): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${seconds}:${body}`).digest('hex')}`;
}

function parseAck(text: string, contentType: string): Readonly<Record<string, unknown>> {
  if (text.trim() === '') return {};
  if (!contentType.includes('json')) return { text };
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    ? { ...parsed }
    : {};
}

/** HTTP mode: signed requests to the app's request URL, as settings of a Slack app have it. */
export function createHttpDelivery(settings: {
  readonly signingSecret: string;
  readonly ackTimeoutMs: number;
  requestUrl(): string | undefined;
}): Delivery {
  const closing = new AbortController();

  async function request(url: string, envelope: Envelope): Promise<Acknowledgement> {
    const { body, contentType } = encode(envelope);
    // The wire's clock is the real one: the app rejects signatures older than five minutes by it.
    const seconds = Math.trunc(Date.now() / 1000);
    const response = await fetch(url, {
      method: 'POST',
      body,
      redirect: 'manual',
      signal: AbortSignal.any([closing.signal, AbortSignal.timeout(settings.ackTimeoutMs)]),
      headers: {
        'content-type': contentType,
        'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
        'x-slack-request-timestamp': String(seconds),
        'x-slack-signature': signRequest(settings.signingSecret, seconds, body),
      },
    });
    const text = (await response.text()).slice(0, MAX_ACK_BYTES);
    if (!response.ok) return { acked: false, error: 'http_service_error' };
    return { acked: true, body: parseAck(text, response.headers.get('content-type') ?? '') };
  }

  return {
    async deliver(envelope) {
      const url = settings.requestUrl();
      if (url === undefined) return { acked: false, error: 'dispatch_failed' };
      try {
        return await request(url, envelope);
      } catch (error) {
        const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
        const isBadJson = error instanceof SyntaxError;
        return {
          acked: false,
          error: timedOut
            ? 'operation_timeout'
            : isBadJson
              ? 'http_service_error'
              : 'dispatch_failed',
        };
      }
    },
    close() {
      closing.abort();
    },
  };
}

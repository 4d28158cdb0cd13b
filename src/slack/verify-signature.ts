import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { SignedRequest } from '../runbook/ports/heard-requests.ts';

/** Slack documentation, "Verifying requests from Slack": what is older may have been captured. */
const freshForSeconds = 300;

interface Verifying {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly signingSecret: string;
  readonly nowMs: number;
}

/**
 * The request, or undefined unless Slack signed it within five minutes of now. Signature and time stamp have exactly
 * Slack's form: one that means the same in other letters would be another request to whoever remembers it.
 */
export function verifySignature({
  headers,
  body,
  signingSecret,
  nowMs,
}: Verifying): SignedRequest | undefined {
  const timestamp = String(headers['x-slack-request-timestamp']);
  const signature = String(headers['x-slack-signature']);
  if (!/^[1-9]\d{9}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return undefined;
  const signedAt = Number(timestamp);
  if (Math.abs(nowMs / 1000 - signedAt) > freshForSeconds) return undefined;
  const expected = createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature.slice(3), 'hex'))) return undefined;
  return { hash: createHash('sha256').update(`${timestamp}:${body}`).digest('hex'), signedAt };
}

import { WebAPIRateLimitedError } from '@slack/web-api';

const firstWaitMs = 500;
const longestWaitMs = 30_000;

/**
 * How long to wait after that many failed attempts to reach Slack: a pause that grows, or the one Slack asks for;
 * scattered so that replicas do not march in step.
 */
export function waitAfter(error: unknown, attempt: number): number {
  if (error instanceof WebAPIRateLimitedError) return error.retryAfter * 1000;
  const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(attempt, 10));
  return wait * (0.75 + Math.random() / 2);
}

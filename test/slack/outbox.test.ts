import { WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api';
import { expect, test } from 'vitest';
import { createOutbox } from '../../src/slack/live/outbox.ts';
import { aLog } from './support/workspace.ts';

const { log } = aLog();

test('calls go out one at a time and in order, whatever each takes', async () => {
  const outbox = createOutbox({ sendIntervalMs: 0, log });
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const slow = outbox.send(async () => {
    order.push('slow begins');
    await gate.promise;
    order.push('slow ends');
  });
  const quick = outbox.send(() => Promise.resolve(order.push('quick')));
  gate.resolve();
  await Promise.all([slow, quick]);
  expect(order).toEqual(['slow begins', 'slow ends', 'quick']);
});

test('a limit is waited out, and what comes after still comes after', async () => {
  const outbox = createOutbox({ sendIntervalMs: 0, log });
  const order: string[] = [];
  let refusals = 2;
  const limited = outbox.send(() => {
    if (refusals-- > 0) return Promise.reject(new WebAPIRateLimitedError(0.01));
    return Promise.resolve(order.push('limited'));
  });
  const next = outbox.send(() => Promise.resolve(order.push('next')));
  await Promise.all([limited, next]);
  expect(order).toEqual(['limited', 'next']);
});

test('a refusal of Slack is final, and the next call is made', async () => {
  const outbox = createOutbox({ sendIntervalMs: 0, log });
  const refusal = new WebAPIPlatformError({ ok: false, error: 'not_in_channel' });
  await expect(outbox.send(() => Promise.reject(refusal))).rejects.toBe(refusal);
  expect(await outbox.send(() => Promise.resolve('made'))).toBe('made');
});

test('a failure on the way is tried again only where twice does no harm', async () => {
  const outbox = createOutbox({ sendIntervalMs: 0, log });
  const lost = new WebAPIRequestError(new Error('reset'));
  let calls = 0;
  const call = (): Promise<string> => {
    calls += 1;
    return calls === 1 ? Promise.reject(lost) : Promise.resolve('told');
  };
  await expect(outbox.send(call)).rejects.toBe(lost);
  calls = 0;
  expect(await outbox.send(call, 'repeatable')).toBe('told');
});

test('in a hurry nothing is waited for', async () => {
  const outbox = createOutbox({ sendIntervalMs: 60_000, log });
  const limited = outbox.send(() => Promise.reject(new WebAPIRateLimitedError(60)));
  const next = outbox.send(() => Promise.resolve('sent'));
  outbox.hurry();
  await expect(limited).rejects.toThrow(WebAPIRateLimitedError);
  expect(await next).toBe('sent');
});

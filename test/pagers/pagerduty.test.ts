import { afterEach, beforeEach, expect, test } from 'vitest';
import { startPagerDuty } from '../../sandbox/pagerduty/local-pagerduty.ts';
import type { LocalPagerDuty } from '../../sandbox/pagerduty/local-pagerduty.ts';
import { createPagerDuty } from '../../src/pagers/pagers.ts';
import { PagerRefused } from '../../src/runbook/escalation/ports.ts';
import type { Pager } from '../../src/runbook/escalation/ports.ts';
import { aPage, createWire } from './wire.ts';
import type { HandWire } from './wire.ts';

const routingKey = 'R0123456789ABCDEFGHIJKLMNOPQRSTU';
let local: LocalPagerDuty;
let wire: HandWire;
let pager: Pager;
beforeEach(async () => {
  wire = createWire();
  local = await startPagerDuty({ routingKey, now: () => wire.clock.now() });
  pager = createPagerDuty({ ...wire, routingKey, url: local.url });
});
afterEach(() => local.close());

async function refusal(work: Promise<void>): Promise<PagerRefused> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PagerRefused) return error;
  throw new Error('It was not refused.');
}

test('an incident is one page from its trigger to its resolution', async () => {
  await pager.page(aPage());
  await pager.page(aPage());
  await pager.page(aPage({ action: 'acknowledge' }));
  await pager.page(aPage({ action: 'resolve' }));
  expect(local.pages).toEqual([
    {
      key: 'dbconn/shop/inc-0abc1234',
      summary: 'shop: 94 of 97 usable connections.',
      severity: 'critical',
      details: { 'persists-after-remedy': 'Option A ended 12 sessions.' },
      state: 'resolved',
      heard: ['trigger', 'trigger', 'acknowledge', 'resolve'],
    },
  ]);
});

test('a trigger after a resolution opens anew, and a resolution of nothing is dropped', async () => {
  await pager.page(aPage({ action: 'resolve' }));
  await pager.page(aPage());
  await pager.page(aPage({ action: 'resolve' }));
  await pager.page(aPage());
  expect(local.pages.map(({ state }) => state)).toEqual(['resolved', 'triggered']);
});

test('a change pages nobody', async () => {
  const at = '2026-11-23T03:16:00.000Z';
  await pager.tellChange({ target: 'shop', summary: 'Restart backend: 2 restarted.', at });
  expect(local.changes).toEqual(['Restart backend: 2 restarted.']);
  expect(local.pages).toEqual([]);
});

test('whatever its size, an event fits what PagerDuty takes', async () => {
  const long = '🐘'.repeat(3000);
  const details = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`reason-${n}`, long]));
  await pager.page(aPage({ summary: long, details }));
  const [page] = local.pages;
  expect(page?.summary.length).toBeLessThanOrEqual(1024);
  expect(page?.summary).toMatch(/^(?:🐘)+…$/u);
});

test('a link that is no address does not keep anybody from being woken', async () => {
  await pager.page(aPage({ links: [{ title: 'Guide', url: '../guides/connections.md' }] }));
  expect(local.pages).toHaveLength(1);
});

test.for([429, 500, 502, 408])('a %i is tried again until it is taken', async (status) => {
  local.misbehave({ status }, 2);
  await pager.page(aPage());
  expect(local.calls).toHaveLength(3);
  expect(local.pages).toHaveLength(1);
});

test('a limit is waited out for as long as it says', async () => {
  const beganMs = wire.clock.now();
  local.misbehave({ status: 429, headers: { 'retry-after': '17' } });
  await pager.page(aPage());
  expect(wire.clock.now() - beganMs).toBe(17_000);
});

test('more than 120 calls in a minute are limited, and taken when the minute is over', async () => {
  for (let call = 0; call < 121; call += 1) await pager.page(aPage());
  expect(local.calls.length).toBeGreaterThan(121);
  expect(local.pages[0]?.heard).toHaveLength(121);
});

test('what is never taken is given up within two minutes, and may pass later', async () => {
  const beganMs = wire.clock.now();
  local.misbehave({ status: 503 }, 100);
  const { message, mayPass } = await refusal(pager.page(aPage()));
  expect(mayPass).toBe(true);
  expect(message).toContain('503');
  expect(wire.clock.now() - beganMs).toBeLessThanOrEqual(120_000);
  expect(local.calls.length).toBeGreaterThan(4);
});

test('a pause beyond the two minutes is not begun', async () => {
  const beganMs = wire.clock.now();
  local.misbehave({ status: 429, headers: { 'retry-after': '3600' } });
  expect(await refusal(pager.page(aPage()))).toMatchObject({ mayPass: true });
  expect(wire.clock.now()).toBe(beganMs);
});

test('a wrong key is refused at once and for good, and stands in neither error nor log', async () => {
  const wrong = 'WRONG456789ABCDEFGHIJKLMNOPQRSTU';
  const mistaken = createPagerDuty({ ...wire, routingKey: wrong, url: local.url });
  const { message, mayPass } = await refusal(mistaken.page(aPage()));
  expect(mayPass).toBe(false);
  expect(message).toContain('routing key');
  expect(local.calls).toHaveLength(1);
  expect(`${message} ${wire.lines.join(' ')}`).not.toContain(wrong);
});

test('a redirect is not followed', async () => {
  const elsewhere = await startPagerDuty({ routingKey });
  try {
    local.misbehave({ status: 307, headers: { location: `${elsewhere.url}/v2/enqueue` } });
    expect(await refusal(pager.page(aPage()))).toMatchObject({ mayPass: false });
    expect(elsewhere.calls).toEqual([]);
  } finally {
    await elsewhere.close();
  }
});

test('a service that is not there is said to be out of reach, without its address', async () => {
  await local.close();
  const { message, mayPass } = await refusal(pager.page(aPage()));
  expect(mayPass).toBe(true);
  expect(message).toContain('ECONNREFUSED');
  expect(wire.lines.join(' ')).not.toContain(routingKey);
  local = await startPagerDuty({ routingKey });
});

test('a page that was taken although the answer was lost stays one page', async () => {
  local.misbehave({ status: 502, taken: true });
  await pager.page(aPage());
  expect(local.pages).toHaveLength(1);
});

test.for<[string, Record<string, unknown>]>([
  ['without a payload', { event_action: 'trigger' }],
  ['without an action', { payload: {} }],
  ['with a summary of over 1,024 characters', triggered({ summary: 'x'.repeat(1025) })],
  ['with a severity it does not know', triggered({ severity: 'bad' })],
  ['that acknowledges without a key', { event_action: 'acknowledge' }],
])('the local PagerDuty refuses an event %s', async ([, event]) => {
  const body = JSON.stringify({ routing_key: routingKey, ...event });
  const response = await fetch(`${local.url}/v2/enqueue`, { method: 'POST', body });
  expect(response.status).toBe(400);
  expect(local.pages).toEqual([]);
});

test('the local PagerDuty refuses more than 512 KB and shows what it has', async () => {
  const body = JSON.stringify({ routing_key: routingKey, filler: 'x'.repeat(600_000) });
  const response = await fetch(`${local.url}/v2/enqueue`, { method: 'POST', body });
  expect(response.status).toBe(413);
  await pager.page(aPage());
  const shown = await (await fetch(`${local.url}/incidents`)).json();
  expect(shown).toMatchObject({ incidents: [{ state: 'triggered' }], changes: [] });
});

function triggered(change: Record<string, unknown>): Record<string, unknown> {
  const payload = { summary: 'Full.', source: 'shop', severity: 'critical', ...change };
  return { event_action: 'trigger', payload };
}

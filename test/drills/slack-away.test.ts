import { afterEach, expect, test } from 'vitest';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import { until } from '../support/until.ts';
import { anAlert, sendWebhook, toWebhook } from './support/send-webhook.ts';
import { messagesOf, openSlack } from './support/conversation.ts';
import { openHarness } from '../support/harness.ts';
import type { Harness } from '../support/harness.ts';

let harness: Harness | undefined;
let later: LocalSlack | undefined;
afterEach(async () => {
  await harness?.close();
  await later?.close();
});

async function probe(port: number | undefined, path: string): Promise<[number, string]> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return [response.status, await response.text()];
}

test('while Slack cannot be reached the bot starts, takes alerts and pages, and is in Slack once that is back', async () => {
  harness = await openHarness({
    config: {
      targets: [{ name: 'orders', database: { url: 'postgres://dbconn@127.0.0.1:1/orders' } }],
      incidents: { watch: false },
      escalation: [{ who: 'on-call', after: '0s' }],
    },
  });
  const { slack, pagerDuty } = harness;
  await slack.close();
  const { httpPort } = await harness.start({ sendIntervalMs: 50 });
  const [status, body] = await probe(httpPort, '/readyz');
  expect(status).toBe(503);
  expect(body).toContain('Slack does not reach dbconn. Slack could not be reached.');
  expect((await probe(httpPort, '/healthz'))[0]).toBe(200);
  const alert = anAlert('f1', 'DatabaseConnectionPoolExhausted', { startsAtMs: Date.now() });
  expect(await sendWebhook(httpPort, toWebhook([alert]))).toBe(202);
  await until('it pages', () => Promise.resolve(pagerDuty.pages.length === 1));
  const back = await openSlack({ port: Number(new URL(slack.url).port) });
  later = back;
  await until('it is ready', async () => (await probe(httpPort, '/readyz'))[0] === 200);
  await until('the incident is shown', () =>
    Promise.resolve(messagesOf({ slack: back }).some(({ text }) => text.includes('orders'))),
  );
});

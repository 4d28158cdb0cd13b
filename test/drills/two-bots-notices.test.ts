import { afterEach, expect, test } from 'vitest';
import { breakGlassNotice } from '../../src/runbook/escalation/break-glass-notifier.ts';
import { buildRequest } from '../runbook/approvals/builders.ts';
import { patienceMs, until } from '../support/until.ts';
import { anAlert, sendWebhook, toWebhook } from './support/send-webhook.ts';
import { messagesOf } from './support/conversation.ts';
import { openHarness } from '../support/harness.ts';
import type { Harness } from '../support/harness.ts';

// Two bots on one journal that both find what nobody has told yet.

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

async function open(): Promise<Harness> {
  harness = await openHarness({
    config: {
      targets: ['orders', 'till'].map((name) => ({
        name,
        database: { url: `postgres://dbconn@127.0.0.1:1/${name}` },
      })),
      incidents: { watch: false },
    },
  });
  return harness;
}

function told(room: Harness, words: string): readonly string[] {
  return messagesOf(room).flatMap(({ text }) => (text.includes(words) ? [text] : []));
}

test('a stop and a break-glass of the terminal are told once, also where two bots come up together', async () => {
  const room = await open();
  const by = { id: 'root', via: 'terminal' } as const;
  const request = await buildRequest({
    target: 'orders',
    state: 'approved',
    proposedAt: new Date().toISOString(),
    brokenGlass: { by, at: new Date().toISOString(), reason: 'nobody answers' },
  });
  const at = new Date().toISOString();
  await room.inJournal(async (journal) => {
    await journal.writeStop(
      { by: 'root at the terminal', at, reason: 'it hurts' },
      { kind: 'stopped', body: {} },
    );
    await journal.create(request, { request: request.id, kind: 'proposed', body: {} });
  });
  await Promise.all([room.start({ sendIntervalMs: 20 }), room.start({ sendIntervalMs: 20 })]);
  await room.start({ sendIntervalMs: 20 });
  const notice = breakGlassNotice(request, {})?.headline ?? '';
  await until('the break-glass is told', async () => told(room, notice).length > 0);
  expect(told(room, 'All changes are stopped by root')).toHaveLength(1);
  expect(told(room, notice)).toHaveLength(1);
});

test('alerts that fit no target, sent to two bots at once, are one message with the number of both', async () => {
  const room = await open();
  const bots = await Promise.all([
    room.start({ sendIntervalMs: 20 }),
    room.start({ sendIntervalMs: 20 }),
  ]);
  const startsAtMs = Date.now() - 60_000;
  const answers = bots.map(({ httpPort }, index) => {
    const name = ['DatabaseConnectionPoolExhausted', 'SQLAlchemyPoolExhausted'][index] ?? '';
    const alert = anAlert(`f${index}`, name, { startsAtMs });
    const lost = { ...alert, labels: { ...alert.labels, service: 'nobody-knows' } };
    return sendWebhook(httpPort ?? 0, toWebhook([lost]));
  });
  expect(await Promise.all(answers)).toEqual([202, 202]);
  await room.slack.waitFor(
    () => (told(room, '2 alerts match no target').length > 0 ? true : undefined),
    patienceMs,
  );
  for (const bot of bots) await bot.stop();
  expect(told(room, 'no target, so no incident was opened')).toHaveLength(1);
});

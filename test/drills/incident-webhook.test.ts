import { afterAll, beforeAll, expect, test } from 'vitest';
import { createIncidentMarks } from '../../src/journal/message-places.ts';
import type { Incident } from '../../src/runbook/incidents/incident.ts';

import { until } from '../support/until.ts';
import { anAlert, sendWebhook, toWebhook } from './support/send-webhook.ts';
import { messagesOf } from './support/conversation.ts';
import { openHarness } from '../support/harness.ts';
import type { Harness } from '../support/harness.ts';
import type { Bot } from '../../src/app/deps.ts';

const exhausted = 'DatabaseConnectionPoolExhausted';

let harness: Harness;
let bot: Bot;

beforeAll(async () => {
  harness = await openHarness({
    config: {
      // Nobody is there: what a webhook does must not wait for a database.
      targets: [{ name: 'orders', database: { url: 'postgres://dbconn@127.0.0.1:1/orders' } }],
      incidents: { watch: false },
      escalation: [],
    },
  });
  bot = await harness.start({ sendIntervalMs: 50 });
});
afterAll(() => harness?.close());

const head = (): Promise<unknown> => harness.inJournal((journal) => journal.head());

/** What people can see, and what would wake them. */
function heard(): unknown {
  const posts = harness.wire.calls.filter(({ method }) => method.startsWith('chat.'));
  return { messages: messagesOf(harness), posts: posts.length, pages: harness.pagerDuty.calls };
}

async function opened(): Promise<Incident> {
  const states = ['open'] as const;
  const open = await harness.inJournal((journal) => journal.listIncidents({ states, limit: 2 }));
  const [incident] = open;
  if (incident === undefined || open.length > 1) throw new Error(`${open.length} are open.`);
  return incident;
}

const firing = toWebhook([anAlert('f1', exhausted, { startsAtMs: Date.now() })]);

test.for([
  ['without the secret', 401, firing, 'another-secret-of-some-length'],
  ['that is no JSON', 400, '{"version":"4","alerts":[', undefined],
  ['of another shape', 400, '{"version":"4","alerts":[{"status":"perhaps"}]}', undefined],
  ['of more than a mebibyte', 413, firing + ' '.repeat(1024 * 1024), undefined],
] as const)(
  'a webhook %s is refused with its status, and neither journal nor Slack nor pager hear of it',
  async ([, status, body, bearer]) => {
    const before = [await head(), heard()];
    expect(await sendWebhook(bot.httpPort, body, bearer)).toBe(status);
    expect([await head(), heard()]).toEqual(before);
  },
);

test('a webhook that is sent again and again is one incident, and changes nothing after the first time', async () => {
  expect(await sendWebhook(bot.httpPort, firing)).toBe(202);
  // Until all that the first one set off has happened: a look that finds nobody, and what is said of it.
  const { id } = await opened();
  await until('the look is told, and that it was told is recorded', () =>
    harness.inJournal(async (journal) => {
      const notes = await journal.readNotes(id, 0);
      const mark = await createIncidentMarks(journal).readMark(id);
      return notes.length > 1 && mark?.upTo === notes.at(-1)?.seq;
    }),
  );
  const before = [await head(), harness.wire.count('chat.postMessage')];
  const again = await Promise.all(
    Array.from({ length: 20 }, () => sendWebhook(bot.httpPort, firing)),
  );
  expect(again).toEqual(again.map(() => 202));
  expect([await head(), harness.wire.count('chat.postMessage')]).toEqual(before);
  expect(messagesOf(harness).filter(({ thread_ts: thread }) => thread === undefined)).toHaveLength(
    1,
  );
});

test('a flood of alerts that fit no target is one message, which says how many there are', async () => {
  const lost = Array.from({ length: 60 }, (_, n) => ({
    ...anAlert(`lost-${n}`, exhausted, { startsAtMs: Date.now() }),
    labels: { alertname: exhausted, severity: 'critical', service: `nobody-${n}` },
  }));
  const about = (): string[] =>
    messagesOf(harness).flatMap(({ text }) => (/match(?:es)? no target/.test(text) ? [text] : []));
  for (let n = 0; n < 60; n += 10) {
    expect(await sendWebhook(bot.httpPort, toWebhook(lost.slice(n, n + 10)))).toBe(202);
  }
  await until('it says how many', () =>
    Promise.resolve(about().some((text) => text.includes(`${exhausted} (60)`))),
  );
  expect(about()).toHaveLength(1);
});

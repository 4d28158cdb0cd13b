import { afterEach, beforeEach, expect, test } from 'vitest';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { toText } from '../../sandbox/message-text.ts';
import type { SlackMessage } from '../../sandbox/slack/workspace.ts';
import type { Incident } from '../../src/runbook/incidents/incident.ts';
import { incidentActions } from '../../src/slack/messages/kit/action-ids.ts';
import { patienceMs, until } from '../support/until.ts';
import { startReplica } from './support/replica.ts';
import type { Replica } from './support/replica.ts';
import { anAlert, sendWebhook, toWebhook } from './support/send-webhook.ts';
import { dana, jonas, messagesOf, press } from './support/conversation.ts';
import { keptSentences, keyOf, toldSentences } from './support/told.ts';
import { openHarness } from '../support/harness.ts';
import type { Harness } from '../support/harness.ts';
import { named } from '../support/people.ts';

/** Bots as processes of their own, on one journal in PostgreSQL. */
let shelf: Cluster;
let harness: Harness;
let replicas: Replica[];

beforeEach(async () => {
  shelf = await startCluster();
  harness = await openHarness({
    config: {
      // Nobody is there: this is about who tends an incident, not about its end.
      targets: [{ name: 'orders', database: { url: 'postgres://dbconn@127.0.0.1:1/orders' } }],
      incidents: { every: '1s' },
      escalation: [{ who: 'on-call', after: '0s' }],
      journal: shelf.url(),
    },
  });
  replicas = [];
});
afterEach(async () => {
  await Promise.all(replicas.map((replica) => replica.kill()));
  await harness.close();
  await shelf.close();
});

/** Two of them: the one that tends, and the other. */
async function startTwo(leaseMs = 1000): Promise<{ tending: Replica; other: Replica }> {
  replicas = await Promise.all([
    startReplica(harness, { leaseMs }),
    startReplica(harness, { leaseMs }),
  ]);
  const [a, b] = replicas;
  if (a === undefined || b === undefined) throw new Error('There are no two.');
  await until('one tends', async () => (await a.isLeading()) !== (await b.isLeading()));
  return (await a.isLeading()) ? { tending: a, other: b } : { tending: b, other: a };
}

const names = ['DatabaseConnectionPoolExhausted', 'DatabaseConnectionPoolUnobservable'] as const;
const startsAtMs = Date.now() - 60_000;
const [first, second, third] = [...names, 'SQLAlchemyPoolExhausted'].map((name) =>
  toWebhook([anAlert(`f-${name}`, name, { startsAtMs })]),
);

async function theIncident(): Promise<Incident> {
  const states = ['open', 'merged', 'resolved'] as const;
  const all = await harness.inJournal((journal) => journal.listIncidents({ states, limit: 9 }));
  const [incident] = all;
  if (incident === undefined || all.length > 1) throw new Error(`There are ${all.length}.`);
  return incident;
}

function parentSays(...words: readonly string[]): Promise<SlackMessage> {
  return harness.slack.waitFor(() => {
    const parent = messagesOf(harness).find(({ thread_ts: thread }) => thread === undefined);
    const text = parent === undefined ? '' : toText(parent);
    return words.every((word) => text.includes(word)) ? parent : undefined;
  }, patienceMs);
}

/** Waits until the thread was told all, and sees that nothing was said twice. */
async function expectAllToldOnce(): Promise<void> {
  const { id } = await theIncident();
  await until('the thread has heard everything', async () => {
    return toldSentences(harness, id).length >= (await keptSentences(harness, id)).length;
  });
  expect(toldSentences(harness, id)).toEqual(await keptSentences(harness, id));
  const all = messagesOf(harness);
  expect(all.filter(({ thread_ts: thread }) => thread === undefined)).toHaveLength(1);
  const keys = all.flatMap((one) => keyOf(one) ?? []);
  expect(keys).toEqual([...new Set(keys)]);
  // Killed in the middle of a page it is sent again, with the same key: that is no other page.
  expect(harness.pagerDuty.pages).toHaveLength(1);
}

test('alerts to either replica are one incident with one message and one page, and each answers a press', async () => {
  const { tending, other } = await startTwo();
  const answers = [tending, other, other, tending].map((replica) =>
    sendWebhook(replica.port, first ?? ''),
  );
  expect(await Promise.all(answers)).toEqual([202, 202, 202, 202]);
  expect(await sendWebhook(other.port, second ?? '')).toBe(202);
  const { ts } = await parentSays(...names);
  // Slack gives each press to another connection.
  for (const user of [jonas, dana]) {
    await press(harness, { user, ts, actionId: incidentActions.have });
    await parentSays(`Owner: ${named(user)}`);
  }
  await expectAllToldOnce();
  expect(harness.pagerDuty.pages).toMatchObject([{ heard: ['trigger', 'acknowledge'] }]);
});

test('when the replica that tends is stopped the other one goes on at once', async () => {
  const { tending, other } = await startTwo();
  expect(await sendWebhook(tending.port, first ?? '')).toBe(202);
  const { ts } = await parentSays(names[0]);
  await until('it pages', async () => harness.pagerDuty.pages.length === 1);
  await tending.terminate();
  await until('the other one tends', () => other.isLeading());
  expect(await sendWebhook(other.port, second ?? '')).toBe(202);
  await parentSays(...names);
  await press(harness, { user: jonas, ts, actionId: incidentActions.have });
  await until('the page is acknowledged', async () => {
    return harness.pagerDuty.pages[0]?.state === 'acknowledged';
  });
  await expectAllToldOnce();
});

test('when the replica that tends is killed the other one goes on after its lease, and says nothing twice', async () => {
  const { tending, other } = await startTwo();
  expect(await sendWebhook(tending.port, first ?? '')).toBe(202);
  // In the middle of its first words: its message stands, and its thread does not yet.
  await parentSays(names[0]);
  await tending.kill();
  await until('the other one tends', () => other.isLeading());
  expect(await sendWebhook(other.port, second ?? '')).toBe(202);
  const { ts } = await parentSays(...names);
  await until('it pages', async () => harness.pagerDuty.pages.length === 1);
  await press(harness, { user: dana, ts, actionId: incidentActions.have });
  await parentSays(`Owner: ${named(dana)}`);
  await expectAllToldOnce();
});

test('a replica that stood still while the other one went on says nothing twice when it wakes', async () => {
  // Longer than a message is taken to stand as it was left, as the 20 s of production are.
  const leaseMs = 17_000;
  const { tending, other } = await startTwo(leaseMs);
  expect(await sendWebhook(tending.port, first ?? '')).toBe(202);
  await parentSays(names[0]);
  expect(await sendWebhook(other.port, second ?? '')).toBe(202);
  // In the middle of its words.
  tending.freeze();
  try {
    await expect.poll(() => other.isLeading(), { timeout: 5 * leaseMs }).toBe(true);
    await parentSays(...names);
    await until('it pages', async () => harness.pagerDuty.pages.length === 1);
  } finally {
    tending.thaw();
  }
  expect(await sendWebhook(tending.port, third ?? '')).toBe(202);
  await parentSays(...names, 'SQLAlchemyPoolExhausted');
  await expectAllToldOnce();
});

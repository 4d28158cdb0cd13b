import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { createShop, databaseName } from '../../sandbox/patient/schema.ts';
import { toText } from '../../sandbox/message-text.ts';
import type { SlackMessage } from '../../sandbox/slack/workspace.ts';
import type { Incident } from '../../src/runbook/incidents/incident.ts';

import { Sessions } from '../support/sessions.ts';
import { patienceMs, until } from '../support/until.ts';
import { anAlert, sendWebhook, toWebhook } from './support/send-webhook.ts';
import type { SentAlert } from './support/send-webhook.ts';
import { messagesOf } from './support/conversation.ts';
import { keptSentences, keyOf, toldSentences } from './support/told.ts';
import { openHarness } from '../support/harness.ts';
import type { Harness } from '../support/harness.ts';
import type { Bot } from '../../src/app/deps.ts';

const names = [
  'DatabaseConnectionPoolExhausted',
  'DatabaseConnectionPoolUnobservable',
  'SQLAlchemyPoolExhausted',
] as const;

let cluster: Cluster;
let sessions: Sessions;
let harness: Harness;
let bot: Bot;

beforeAll(async () => {
  cluster = await startCluster({ settings: { max_connections: 20 } });
  await createShop(cluster);
  sessions = new Sessions(cluster);
  harness = await openHarness({
    config: {
      targets: [{ name: 'orders', database: { url: cluster.url('dbconn', databaseName) } }],
      incidents: { watch: false, every: '1s', closeAfter: '1s' },
      escalation: [],
    },
    // As Slack has them: 50 changes of messages a minute, and one message a second in a channel.
    slack: { rateLimits: true },
  });
  bot = await harness.start({ sendIntervalMs });
  await sessions.takeAllSlots({ user: 'app', application: 'backend', database: databaseName });
});
afterAll(async () => {
  await harness?.close();
  await sessions?.close();
  await cluster?.close();
});

/** Twice as fast as in production, so that Slack refuses by itself too; the message is written every two of these. */
const sendIntervalMs = 500;

/** Alerts of one target, of three kinds, each of which flaps. */
const alerts = 8;
const webhooksOfEach = 25;
/** Told as firing five times, then as resolved five times. */
const life = 10;

const beganAtMs = Date.now() - 3_600_000;

/** One life of an alert, as it is told while it fires or after it has ended. */
function tell(alert: number, lived: number, has: 'fired' | 'ended'): SentAlert {
  const startsAtMs = beganAtMs + lived * 60_000 + alert;
  return anAlert(`storm-${alert}`, names[alert % names.length] ?? names[0], {
    startsAtMs,
    ...(has === 'ended' && { endsAtMs: startsAtMs + 30_000 }),
  });
}

/** What is told of one alert: lives after one another, each in a group with the one before, and a last firing. */
function tellingsOf(alert: number): string[] {
  return Array.from({ length: webhooksOfEach }, (_, index) => {
    const lived = Math.floor(index / life);
    const now = tell(alert, lived, index % life < life / 2 ? 'fired' : 'ended');
    return toWebhook(lived === 0 ? [now] : [tell(alert, lived - 1, 'ended'), now]);
  });
}

async function theIncident(): Promise<Incident> {
  const states = ['open', 'merged', 'resolved'] as const;
  const all = await harness.inJournal((journal) => journal.listIncidents({ states, limit: 9 }));
  const [incident] = all;
  if (incident === undefined || all.length > 1) throw new Error(`There are ${all.length}.`);
  return incident;
}

function parents(): readonly SlackMessage[] {
  return messagesOf(harness).filter(({ thread_ts: thread }) => thread === undefined);
}

function cardSays(...words: readonly string[]): Promise<string> {
  return harness.slack.waitFor(() => {
    const [text = ''] = parents().map((one) => toText(one));
    return words.every((word) => text.includes(word)) ? text : undefined;
  }, patienceMs);
}

async function isAllTold(id: string): Promise<boolean> {
  return toldSentences(harness, id).length === (await keptSentences(harness, id)).length;
}

test('two hundred webhooks in a few seconds are one incident, few messages, and every note once', async () => {
  const begunAtMs = performance.now();
  // Slack has enough of others in the middle of it.
  harness.slack.interfere('chat.update', { kind: 'ratelimited', retryAfterSeconds: 1 }, 2);
  harness.slack.interfere('chat.postMessage', { kind: 'ratelimited', retryAfterSeconds: 1 }, 2);
  const storms = Array.from({ length: alerts }, (_, alert) => tellingsOf(alert));
  const answers = await Promise.all(
    storms.map(async (tellings) => {
      const statuses: number[] = [];
      for (const telling of tellings) statuses.push(await sendWebhook(bot.httpPort, telling));
      return statuses;
    }),
  );
  expect(answers.flat()).toEqual(Array.from({ length: alerts * webhooksOfEach }, () => 202));
  const { id, triggers } = await theIncident();
  expect(triggers.filter(({ endedAt }) => endedAt === null)).toHaveLength(alerts);
  await cardSays('Critical, orders', ...names);
  await until('the thread has heard everything', () => isAllTold(id));
  const tookMs = performance.now() - begunAtMs;

  expect(parents()).toHaveLength(1);
  const kept = await keptSentences(harness, id);
  expect(toldSentences(harness, id)).toEqual(kept);
  const lives = Math.ceil(webhooksOfEach / life) * alerts;
  expect(kept.filter((sentence) => sentence.includes(' fires for orders'))).toHaveLength(lives);

  // The card is written every two paces at most, whatever happens; with it goes the thread, 15 notes in a reply.
  const writings = 1 + Math.ceil(tookMs / (2 * sendIntervalMs));
  const refused = harness.wire.calls.filter(({ status }) => status === 429);
  expect(refused.map(({ method }) => method)).toContain('chat.postMessage');
  const taken = (method: string): number =>
    harness.wire.calls.filter((call) => call.method === method && call.status === 200).length;
  expect(taken('chat.update')).toBeLessThanOrEqual(writings);
  expect(taken('chat.postMessage')).toBeLessThanOrEqual(1 + writings + Math.ceil(kept.length / 15));
  // Each refusal is waited out, so there are few.
  expect(refused.length).toBeLessThanOrEqual(4 + writings);
});

test('after the storm the message says that it is over, and nothing was said twice', async () => {
  const { id } = await theIncident();
  await sessions.endAll();
  const lastLife = Math.floor((webhooksOfEach - 1) / life);
  const ends = Array.from({ length: alerts }, (_, alert) => tell(alert, lastLife, 'ended'));
  expect(await sendWebhook(bot.httpPort, toWebhook(ends))).toBe(202);
  await cardSays('Resolved, orders');
  await until('the thread has heard the end', () => isAllTold(id));
  expect(toldSentences(harness, id)).toEqual(await keptSentences(harness, id));
  expect(toldSentences(harness, id).at(-1)).toContain('was fine. ');
  expect(parents()).toHaveLength(1);
  const keys = messagesOf(harness).flatMap((one) => keyOf(one) ?? []);
  expect(keys).toEqual([...new Set(keys)]);
});

import { Client } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { sendAlert } from '../../sandbox/send-alert.ts';
import { startCluster } from '../../sandbox/patient/cluster.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { asAdmin } from '../../sandbox/patient/schema.ts';
import type { SlackMessage } from '../../sandbox/slack/workspace.ts';
import { parsePrometheus } from '../../src/pool-metrics/parse-prometheus.ts';
import { actionIds } from '../../src/slack/messages/kit/action-ids.ts';
import { startReplica } from '../drills/support/replica.ts';
import type { Memory, Replica } from '../drills/support/replica.ts';
import { database, jonas, maya, messagesOf } from '../drills/support/conversation.ts';
import { openHarness, webhookToken } from '../support/harness.ts';
import type { Harness } from '../support/harness.ts';
import { patienceMs, until } from '../support/until.ts';

/** A day of checks in minutes, whole where DBCONN_SOAK_SHARE=1; in five parts, after each of which memory is read. */
const share = Number(process.env['DBCONN_SOAK_SHARE'] ?? 0.04);
const [checks, incidents, requests] = [5000, 200, 1000].map((count) => Math.ceil(count * share));
const parts = 5;
/** A check of each every second: a day of one target's is then over in a quarter of an hour. */
const targets = ['orders', 'reports', 'billing', 'search', 'mailer'];
const [changed, alerted] = ['orders', 'reports'];
const megabyte = 1024 * 1024;
/** What the collector and its caches may keep more at the end than after the first part. */
const mostGrownMb = { heapUsed: 6, rss: 60 };

let cluster: Cluster | undefined;
let harness: Harness | undefined;
let replica: Replica | undefined;
afterEach(async () => {
  await replica?.kill();
  await harness?.close();
  await cluster?.close();
});

async function open(): Promise<Scene> {
  const started = await startCluster({ settings: { max_connections: 60 } });
  cluster = started;
  await asAdmin(started.url(), async (admin) => {
    await admin.query('CREATE ROLE app LOGIN; CREATE ROLE acting LOGIN');
    await admin.query('GRANT pg_monitor, pg_signal_backend TO acting');
    for (const name of targets) await admin.query(`CREATE DATABASE ${name}`);
  });
  harness = await openHarness({
    config: {
      targets: targets.map((name) => ({
        name,
        database: { url: started.url('acting', name), actingUrl: started.url('acting', name) },
      })),
      approval: { A: { approve: [jonas], cooldown: '0s' }, verifyAfter: '100ms' },
      incidents: { every: '1s', closeAfter: '1s', reopenWithin: '1ms' },
      escalation: [],
    },
  });
  replica = await startReplica(harness, { leaseMs: 20_000, sendIntervalMs: 5 });
  return { cluster: started, harness, replica };
}

interface Scene {
  readonly cluster: Cluster;
  readonly harness: Harness;
  readonly replica: Replica;
}

async function readChecks({ replica: { port } }: Scene): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const samples = parsePrometheus(await answer.text());
  const looks = samples.filter(({ name }) => name === 'dbconn_checks_total');
  return looks.reduce((sum, { value }) => sum + value, 0);
}

function newestCard({ harness: { slack } }: Scene, holds: RegExp): Promise<SlackMessage> {
  const isIt = ({ text, thread_ts: thread }: SlackMessage): boolean =>
    thread === undefined && holds.test(text);
  return slack.waitFor(() => messagesOf({ slack }).findLast(isIt), patienceMs);
}

/** A transaction is left open, and option A ends it. */
async function makeRequest(scene: Scene): Promise<void> {
  const { slack } = scene.harness;
  const client = new Client({ connectionString: scene.cluster.url('app', changed) });
  client.on('error', () => undefined); // option A ends it
  await client.connect();
  await client.query('BEGIN');
  const text = `/dbconn propose A over 1ms ${changed}`;
  await slack.typeCommand({ user: maya, channel: database, text });
  const { ts } = await newestCard(scene, /^Proposed, option A/);
  await slack.pressButton({ user: jonas, channel: database, ts, actionId: actionIds.approve });
  const isOver = (one: SlackMessage): boolean =>
    one.ts === ts && !/^(?:Proposed|Approved|Running|Checking the effect)/.test(one.text);
  await slack.waitFor(() => messagesOf({ slack }).find(isOver), patienceMs);
  await client.end().catch(() => undefined);
}

/** An alert fires, an incident is opened, resolved by the alert and the checks, and reported. */
async function makeIncident({ harness, replica: { port } }: Scene, count: number): Promise<void> {
  const alert = { port, bearer: webhookToken, target: alerted, startsAt: new Date().toISOString() };
  const reported = (): Promise<number> =>
    harness.inJournal(async (journal) => {
      const found = await journal.listIncidents({ states: ['resolved'], limit: 1000 });
      return found.filter(({ reportedAt }) => reportedAt !== null).length;
    });
  await sendAlert({ ...alert, status: 'firing' });
  await sendAlert({ ...alert, status: 'resolved' });
  await until(`incident ${count} is reported`, async () => (await reported()) >= count);
}

async function times(count: number, work: (index: number) => Promise<void>): Promise<void> {
  for (let index = 0; index < count; index += 1) await work(index);
}

/** One fifth of the day; returns the memory after it. */
async function spend(scene: Scene, part: number): Promise<Memory> {
  const upTo = (harness: number | undefined): number => Math.ceil(((harness ?? 0) * part) / parts);
  const before = (harness: number | undefined): number =>
    Math.ceil(((harness ?? 0) * (part - 1)) / parts);
  await Promise.all([
    times(upTo(requests) - before(requests), () => makeRequest(scene)),
    times(upTo(incidents) - before(incidents), (index) =>
      makeIncident(scene, before(incidents) + index + 1),
    ),
  ]);
  while ((await readChecks(scene)) < upTo(checks))
    await new Promise((done) => setTimeout(done, 200));
  return scene.replica.readMemory();
}

test(
  'a day of checks, incidents and requests leaves no more memory in use than its first fifth',
  { timeout: 60_000 + share * 7_200_000 },
  async () => {
    const scene = await open();
    const used: Memory[] = [];
    for (let part = 1; part <= parts; part += 1) used.push(await spend(scene, part));
    const inMb = (figure: keyof Memory): string =>
      used.map((one) => (one[figure] / megabyte).toFixed(1)).join(', ');
    const events = `${await readChecks(scene)} checks, ${incidents} incidents, ${requests} requests`;
    process.stdout.write(`${events}: heap ${inMb('heapUsed')} MB, resident ${inMb('rss')} MB\n`);
    for (const figure of ['heapUsed', 'rss'] as const) {
      const [first, last] = [used[0]?.[figure] ?? 0, used.at(-1)?.[figure] ?? 0];
      expect((last - first) / megabyte).toBeLessThan(mostGrownMb[figure]);
    }
  },
);

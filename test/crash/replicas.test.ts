import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toText } from '../../sandbox/message-text.ts';
import { startCluster } from '../../sandbox/patient/cluster.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { identity } from '../../sandbox/slack/identity.ts';
import { startSlack } from '../../sandbox/slack/server.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import type { SlackMessage } from '../../sandbox/slack/workspace.ts';
import { actionIds } from '../../src/slack/messages/kit/action-ids.ts';
import { openByAddress } from '../journal/open-by-address.ts';
import { appToken, botToken, readManifest, signingSecret } from '../slack/support/workspace.ts';
import { openClient } from '../support/sql.ts';

/** Two bots as processes of their own, with one journal on a PostgreSQL that is no target. */
const source = (name: string): string =>
  fileURLToPath(new URL(`../../src/${name}`, import.meta.url));
const [channel, jonas] = ['C0DATABASE', 'U0JONAS000'];
const patienceMs = 120_000;

let patient: Cluster;
let shelf: Cluster;
let slack: LocalSlack;
let forgotten: Client;
let directory: string;
const bots: ChildProcess[] = [];

beforeEach(async () => {
  [patient, shelf] = await Promise.all([startCluster(), startCluster()]);
  const admin = new Client({ connectionString: patient.url() });
  await admin.connect();
  await admin.query('CREATE ROLE app LOGIN; CREATE ROLE acting LOGIN');
  await admin.query('GRANT pg_monitor, pg_signal_backend TO acting');
  await admin.end();
  forgotten = await openClient(patient.url('app')); // it is ended by option A
  await forgotten.query('BEGIN');
  slack = await startSlack({
    manifest: readManifest(),
    mode: 'socket',
    signingSecret,
    botToken,
    appToken,
    people: [{ id: jonas, name: 'jonas', realName: 'Jonas' }],
    channels: [{ id: channel, name: 'database', members: [jonas, identity.botUserId] }],
    userGroups: [],
  });
  directory = await mkdtemp(join(tmpdir(), 'dbconn-replicas-'));
  await writeFile(join(directory, 'dbconn.yml'), configuration(shelf));
});
afterEach(async () => {
  for (const bot of bots.splice(0)) bot.kill('SIGKILL');
  await forgotten.end().catch(() => undefined);
  await slack.close();
  await Promise.all([patient, shelf].map((cluster) => cluster.close()));
  await rm(directory, { recursive: true });
});

function configuration(journal: Cluster): string {
  return `
slack: { channel: ${channel} }
targets:
  - name: orders
    database: { url: "${patient.url()}", actingUrl: "${patient.url('acting')}" }
    limits: { terminateIdleInTransaction: 1ms }
approval: { A: { approve: [${jonas}], proposerMayVote: true }, verifyAfter: 20s }
journal: "${journal.url('postgres', 'postgres', 'canary-password')}"
`;
}

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
}

function run(name: string, ...words: readonly string[]): Started {
  const tokens = { SLACK_BOT_TOKEN: botToken, SLACK_APP_TOKEN: appToken };
  const child = spawn(process.execPath, [source(name), ...words], {
    cwd: directory,
    env: { PATH: process.env['PATH'], SLACK_API_URL: slack.apiUrl, ...tokens },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  bots.push(child);
  return { child, output: () => output };
}

async function startBot(): Promise<Started> {
  const bot = run('main.ts');
  await expect.poll(bot.output, { timeout: patienceMs }).toContain('"started"');
  return bot;
}

function card(words: string): Promise<SlackMessage> {
  const isIt = (one: SlackMessage): boolean =>
    one.thread_ts === undefined && toText(one).includes(words);
  return slack.waitFor(
    ({ channels }) => channels.find(({ id }) => id === channel)?.messages.find(isIt),
    patienceMs,
  );
}

test('a bot that is killed while it looks on is replaced by the other one, which tells the outcome', async () => {
  const first = await startBot();
  const terminal = run('cli.ts', 'propose', 'A');
  await once(terminal.child, 'close');
  expect(terminal.output()).toContain('Recorded as request');
  const { ts } = await card('Proposed by');
  await slack.pressButton({ user: jonas, channel, ts, actionId: actionIds.approve });
  await card('Of 1 session: 1 ended.');
  const second = await startBot();
  expect(second.output()).not.toContain('Taken over');
  first.child.kill('SIGKILL');
  const ended = await card('right after, ');
  expect(ended.ts).toBe(ts);
  expect(second.output()).toContain('Taken over');
  const journal = await openByAddress(shelf.url());
  expect(await journal.verify()).toMatchObject({ ok: true });
  const kinds = (await journal.entries()).map(({ kind }) => kind);
  for (const once of ['step-intended', 'taken-over', 'done']) {
    expect(kinds.filter((kind) => kind === once)).toHaveLength(1);
  }
  await journal.close();
  expect(first.output() + second.output()).not.toContain('canary-password');
});

test('a journal on the server of a target is refused at the start', async () => {
  await writeFile(join(directory, 'dbconn.yml'), configuration(patient));
  const bot = run('main.ts');
  await once(bot.child, 'close');
  expect(bot.output()).toContain('The journal lies on the server of target orders.');
  expect(bot.output()).not.toContain('canary-password');
  expect(bot.child.exitCode).toBe(1);
});

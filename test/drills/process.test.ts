import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { childEnvironment } from '../support/child-environment.ts';
import { toText } from '../../sandbox/message-text.ts';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { identity } from '../../sandbox/slack/identity.ts';
import { startRecordedSlack } from '../record/recorded.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import type { SlackMessage } from '../../sandbox/slack/workspace.ts';
import { actionIds } from '../../src/slack/messages/kit/action-ids.ts';
import { appToken, botToken, readManifest, signingSecret } from '../slack/support/workspace.ts';
import { patienceMs } from '../support/until.ts';
import { openClient } from '../support/sql.ts';
import { named } from '../support/people.ts';

/** The terminal and the bot as processes of their own, with nothing between them but the journal. */
const source = (name: string): string =>
  fileURLToPath(new URL(`../../src/${name}`, import.meta.url));
const channel = 'C0DATABASE';
const jonas = 'U0JONAS000';
/** Whoever runs this test is her: a proposal of nobody knows whom would need two votes. */
const maya = 'U0MAYA0000';

let cluster: Cluster;
let slack: LocalSlack;
let forgotten: Client;
let directory = '';
let bot: ChildProcess | undefined;
let output = '';

beforeEach(async () => {
  output = '';
  cluster = await startCluster({ settings: { max_connections: 20 } });
  const admin = new Client({ connectionString: cluster.url() });
  await admin.connect();
  await admin.query('CREATE ROLE app LOGIN; CREATE ROLE acting LOGIN');
  await admin.query('GRANT pg_monitor, pg_signal_backend TO acting');
  await admin.end();
  forgotten = await openClient(cluster.url('app')); // it is ended by option A
  await forgotten.query('BEGIN');
  slack = await startRecordedSlack({
    manifest: readManifest(),
    mode: 'socket',
    signingSecret,
    botToken,
    appToken,
    people: [
      { id: jonas, name: 'jonas', realName: 'Jonas' },
      { id: maya, name: 'maya', realName: 'Maya' },
    ],
    channels: [{ id: channel, name: 'database', members: [jonas, identity.botUserId] }],
    userGroups: [],
  });
  directory = await mkdtemp(join(tmpdir(), 'dbconn-process-'));
  const text = `
slack: { channel: ${channel} }
targets:
  - name: orders
    database: { url: "${cluster.url()}", actingUrl: "${cluster.url('acting')}" }
    limits: { terminateIdleInTransaction: 1ms }
approval:
  A: { approve: [${jonas}] }
  verifyAfter: 200ms
  terminalUsers: { ${JSON.stringify(userInfo().username)}: ${maya} }
`;
  await writeFile(join(directory, 'dbconn.yml'), text);
});
afterEach(async () => {
  bot?.kill('SIGKILL');
  bot = undefined;
  await forgotten.end().catch(() => undefined);
  await slack.close();
  await cluster.close();
  await rm(directory, { recursive: true });
});

function run(name: string, ...words: string[]): ChildProcess {
  const tokens = { SLACK_BOT_TOKEN: botToken, SLACK_APP_TOKEN: appToken };
  const child = spawn(process.execPath, [source(name), ...words], {
    cwd: directory,
    env: { ...childEnvironment, SLACK_API_URL: slack.apiUrl, ...tokens },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return child;
}

async function startBot(): Promise<void> {
  const started = output.split('"started"').length;
  bot = run('main.ts');
  await expect
    .poll(() => output.split('"started"').length, { timeout: patienceMs })
    .toBe(started + 1);
}

async function stopBot(): Promise<number | null> {
  const stopping = bot;
  if (stopping === undefined) return null;
  const exit = once(stopping, 'exit');
  stopping.kill('SIGTERM');
  await exit;
  return stopping.exitCode;
}

function card(start: string): Promise<SlackMessage> {
  return slack.waitFor(
    ({ channels }) =>
      channels
        .find(({ id }) => id === channel)
        ?.messages.find(({ text, thread_ts }) => thread_ts === undefined && text.startsWith(start)),
    patienceMs,
  );
}

test('a proposal of the terminal is posted by the bot, outlives its restart, and runs after a vote in Slack', async () => {
  const terminal = run('cli.ts', 'propose', 'A');
  await once(terminal, 'close');
  expect(output).toContain('Recorded as request');
  await startBot();
  const { ts } = await card('Proposed');
  expect(toText(await card('Proposed'))).toContain('Proposed by somebody at the terminal');
  expect(await stopBot()).toBe(0);
  await startBot();
  const ended = new Promise((resolve) => forgotten.once('end', resolve));
  await slack.pressButton({ user: jonas, channel, ts, actionId: actionIds.approve });
  await ended;
  // One session of twenty is nothing to be fixed: what counts is that it is over and says so.
  const done = await slack.waitFor(
    ({ channels }) =>
      channels
        .find(({ id }) => id === channel)
        ?.messages.find((one) => one.ts === ts && toText(one).includes('used before')),
    patienceMs,
  );
  expect(toText(done)).toContain('Of 1 session: 1 ended.');
  expect(toText(done)).toContain(`Approved by ${named(jonas)}`);
  expect(await stopBot()).toBe(0);
  const verify = run('cli.ts', 'journal', 'verify');
  await once(verify, 'close');
  expect(output).toContain('The journal is whole');
});

test('a stop that was typed at the terminal is told in the channel, without the secret in its reason', async () => {
  const terminal = run('cli.ts', 'stop', 'see postgres://app:hunter2@db/orders');
  await once(terminal, 'close');
  await startBot();
  const told = await card('All changes are stopped by somebody at the terminal');
  expect(toText(told)).toContain('see postgres');
  expect(toText(told)).not.toContain('hunter2');
  expect(await stopBot()).toBe(0);
});

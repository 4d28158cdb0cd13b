import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { childEnvironment } from './support/child-environment.ts';
import { parse } from 'yaml';
import { startCluster } from './support/clusters.ts';
import type { Cluster } from '../sandbox/patient/cluster.ts';
import { identity } from '../sandbox/slack/identity.ts';
import { startSlack } from '../sandbox/slack/server.ts';
import type { LocalSlack } from '../sandbox/slack/server.ts';
import { patienceMs } from './support/until.ts';

/** `node src/main.ts` as a process of its own, as it runs in production; only Slack is the local one. */
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const channel = 'C0DATABASE';
const user = 'U0MAYA';
const tokens = { botToken: 'xoxb-main', appToken: 'xapp-main', signingSecret: 'shared-secret' };

let cluster: Cluster;
let directory = '';
let slack: LocalSlack | undefined;
let bot: ChildProcess | undefined;

beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dbconn-main-'));
});
afterEach(async () => {
  bot?.kill('SIGKILL');
  await slack?.close();
  slack = undefined;
  bot = undefined;
  await rm(directory, { recursive: true });
});

async function openSlack(mode: 'socket' | 'http'): Promise<LocalSlack> {
  const text = await readFile(new URL('../manifest.yml', import.meta.url), 'utf8');
  const manifest: unknown = parse(text);
  return startSlack({
    ...tokens,
    manifest,
    mode,
    people: [{ id: user, name: 'maya', realName: 'Maya' }],
    channels: [{ id: channel, name: 'database', members: [user, identity.botUserId] }],
    userGroups: [],
    rateLimits: false,
  });
}

interface Started {
  readonly process: ChildProcess;
  /** All it wrote so far, to either stream. */
  readonly output: () => string;
}

function start(environment: Record<string, string>): Started {
  const started = spawn(process.execPath, [main], {
    cwd: directory,
    env: { ...childEnvironment, LOG_LEVEL: 'info', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [started.stdout, started.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  bot = started;
  return { process: started, output: () => output };
}

async function untilStarted({ process: started, output }: Started): Promise<void> {
  await expect
    .poll(() => output().includes('"started"') || started.exitCode, { timeout: patienceMs })
    .toBe(true);
}

async function configure(): Promise<void> {
  const url = cluster.url('postgres', 'postgres', 'hunter2-in-the-url');
  const text = `slack: { channel: ${channel} }\ntargets: [{ name: orders, database: { url: "${url}" } }]\n`;
  await writeFile(join(directory, 'dbconn.yml'), text);
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function sessions(): Promise<number> {
  const admin = new Client({ connectionString: cluster.url() });
  await admin.connect();
  try {
    const { rowCount } = await admin.query(
      `SELECT FROM pg_stat_activity WHERE application_name = 'dbconn'`,
    );
    return rowCount ?? 0;
  } finally {
    await admin.end();
  }
}

async function askStatus(local: LocalSlack, target = 'orders'): Promise<string> {
  const { acked } = await local.typeCommand({ user, channel, text: '/dbconn status' });
  expect(acked).toBe(true);
  return local.waitFor(({ channels }) => {
    const messages = channels.find(({ id }) => id === channel)?.messages ?? [];
    const about = messages.filter(({ text }) => text.includes(target));
    return about.find(({ text }) => text.includes('usable connections'))?.text;
  }, patienceMs);
}

async function stopGently({ process: started }: Started): Promise<number | null> {
  const exit = once(started, 'exit');
  started.kill('SIGTERM');
  await exit;
  return started.exitCode;
}

test('in Socket Mode it answers /dbconn status, and SIGTERM ends it with 0 and no session left', async () => {
  await configure();
  slack = await openSlack('socket');
  const started = start({
    SLACK_BOT_TOKEN: tokens.botToken,
    SLACK_APP_TOKEN: tokens.appToken,
    SLACK_API_URL: slack.apiUrl,
  });
  await untilStarted(started);
  expect(await askStatus(slack)).toContain('orders');
  expect(await sessions()).toBe(1);
  expect(await stopGently(started)).toBe(0);
  await expect.poll(sessions, { timeout: patienceMs }).toBe(0);
  expect(started.output()).not.toContain('hunter2');
});

test('a changed dbconn.yml is read by itself, and again on SIGHUP, without another process', async () => {
  await configure();
  slack = await openSlack('socket');
  const started = start({
    SLACK_BOT_TOKEN: tokens.botToken,
    SLACK_APP_TOKEN: tokens.appToken,
    SLACK_API_URL: slack.apiUrl,
  });
  await untilStarted(started);
  const file = join(directory, 'dbconn.yml');
  const text = await readFile(file, 'utf8');
  const becomes = (sentence: string): Promise<void> =>
    expect.poll(() => started.output(), { timeout: patienceMs }).toContain(sentence);
  started.process.kill('SIGHUP');
  await becomes('read again and is the same');
  await writeFile(`${file}.new`, text.replace('name: orders', 'name: renamed'));
  await rename(`${file}.new`, file);
  await becomes('read again and is taken');
  expect(await askStatus(slack, 'renamed')).toContain('renamed');
  await writeFile(file, 'targets: []');
  started.process.kill('SIGHUP');
  await becomes('The changed configuration is refused');
  expect(started.output()).toContain('targets: names no target');
  expect(await stopGently(started)).toBe(0);
  await expect.poll(sessions, { timeout: patienceMs }).toBe(0);
});

test('in HTTP mode it answers signed requests on PORT', async () => {
  await configure();
  slack = await openSlack('http');
  const port = await freePort();
  slack.setRequestUrl(`http://127.0.0.1:${port}/slack/events`);
  const started = start({
    SLACK_BOT_TOKEN: tokens.botToken,
    SLACK_SIGNING_SECRET: tokens.signingSecret,
    SLACK_API_URL: slack.apiUrl,
    PORT: String(port),
  });
  await untilStarted(started);
  expect(await askStatus(slack)).toContain('orders');
  const unsigned = await fetch(`http://127.0.0.1:${port}/slack/events`, { method: 'POST' });
  expect(unsigned.status).toBe(401);
  const file = join(directory, 'dbconn.yml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('name: orders', 'name: renamed'));
  started.process.kill('SIGHUP');
  await expect.poll(started.output, { timeout: patienceMs }).toContain('read again and is taken');
  expect(await askStatus(slack, 'renamed')).toContain('renamed');
  expect(await stopGently(started)).toBe(0);
});

test('with nothing configured it refuses to start and names everything at once', async () => {
  const { process: started, output } = start({});
  await once(started, 'exit');
  expect(started.exitCode).toBe(1);
  expect(output()).toContain('SLACK_BOT_TOKEN is not set');
  expect(output()).toContain('Set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)');
  expect(output()).toContain('Write a dbconn.yml');
});

test('a token that Slack does not know is said so in a sentence', async () => {
  await configure();
  slack = await openSlack('socket');
  const { process: started, output } = start({
    SLACK_BOT_TOKEN: 'xoxb-someone-elses',
    SLACK_APP_TOKEN: tokens.appToken,
    SLACK_API_URL: slack.apiUrl,
  });
  await once(started, 'exit');
  expect(started.exitCode).toBe(1);
  expect(output()).toContain('SLACK_BOT_TOKEN');
  expect(output()).not.toContain('someone-elses');
});

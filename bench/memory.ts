import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { startCluster } from '../sandbox/patient/cluster.ts';
import type { Cluster } from '../sandbox/patient/cluster.ts';
import { identity } from '../sandbox/slack/identity.ts';
import { startSlack } from '../sandbox/slack/server.ts';
import type { LocalSlack } from '../sandbox/slack/server.ts';

export interface MemoryResult {
  readonly oneTargetMb: number;
  readonly perTargetMb: number;
}

const tokens = { botToken: 'xoxb-bench', appToken: 'xapp-bench', signingSecret: 'bench' };
/** Looks before memory is read, the same for few and many targets, and the pause in which the collector catches up. */
const looks = 420;
const settleMs = 3000;

/** The whole bot as a process of its own, `node src/main.ts`, with one target and with many. */
export async function benchMemory(many: number): Promise<MemoryResult> {
  const cluster = await startCluster({ settings: { max_connections: many + 20 } });
  try {
    const one = await residentMb(cluster, 1);
    const all = await residentMb(cluster, many);
    return { oneTargetMb: one, perTargetMb: (all - one) / (many - 1) };
  } finally {
    await cluster.close();
  }
}

const home = fileURLToPath(new URL('..', import.meta.url));
const Package = z.object({ scripts: z.object({ start: z.string() }) });

async function startScript(): Promise<string> {
  const text = await readFile(join(home, 'package.json'), 'utf8');
  return Package.parse(JSON.parse(text)).scripts.start;
}

async function residentMb(cluster: Cluster, targets: number): Promise<number> {
  const slack = await openSlack();
  const directory = await mkdtemp(join(tmpdir(), 'dbconn-bench-'));
  const names = Array.from({ length: targets }, (_, index) => `target-${index}`);
  const file = { targets: names.map((name) => ({ name, database: { url: cluster.url() } })) };
  await writeFile(join(directory, 'dbconn.yml'), stringify(file));
  // As `npm start` runs it; exec, so that the process we know is the bot itself.
  const bot = spawn('sh', ['-c', `cd "$DBCONN_HOME" && exec env ${await startScript()}`], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      SLACK_BOT_TOKEN: tokens.botToken,
      SLACK_APP_TOKEN: tokens.appToken,
      SLACK_API_URL: slack.apiUrl,
      DBCONN_CONFIG: join(directory, 'dbconn.yml'),
      DBCONN_HOME: home,
      LOG_LEVEL: 'error',
    },
  });
  try {
    await untilConnected(slack, bot);
    for (let look = 0; look < looks; look += 1) {
      await lookAt(slack, names[look % names.length] ?? '');
    }
    await sleep(settleMs);
    const status = await readFile(`/proc/${bot.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  } finally {
    bot.kill('SIGTERM');
    if (bot.exitCode === null) await once(bot, 'exit');
    await slack.close();
    await rm(directory, { recursive: true });
  }
}

async function untilConnected(slack: LocalSlack, bot: ChildProcess): Promise<void> {
  while (slack.connectionCount === 0) {
    if (bot.exitCode !== null) throw new Error('The bot did not start.');
    await sleep(50);
  }
}

async function lookAt(slack: LocalSlack, target: string): Promise<void> {
  const before = slack.state.ephemerals.length;
  await slack.typeCommand({ user: 'U0ONE', channel: 'C0ONE', text: `/dbconn status ${target}` });
  await slack.waitFor(({ ephemerals }) => ephemerals.length > before || undefined, 30_000);
}

async function openSlack(): Promise<LocalSlack> {
  const manifest: unknown = parse(
    await readFile(new URL('../manifest.yml', import.meta.url), 'utf8'),
  );
  return startSlack({
    ...tokens,
    manifest,
    mode: 'socket',
    people: [{ id: 'U0ONE', name: 'one', realName: 'One' }],
    channels: [{ id: 'C0ONE', name: 'one', members: ['U0ONE', identity.botUserId] }],
    userGroups: [],
    rateLimits: false,
  });
}

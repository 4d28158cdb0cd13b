import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { identity } from '../sandbox/slack/identity.ts';
import { startSlack } from '../sandbox/slack/server.ts';
import type { LocalSlack } from '../sandbox/slack/server.ts';
import { parsePrometheus } from '../src/pool-metrics/parse-prometheus.ts';
import type { Sample } from '../src/pool-metrics/parse-prometheus.ts';

interface BotOptions {
  /** The addresses of the targets, by their names. */
  readonly urls: ReadonlyMap<string, string>;
  /** `incidents` of dbconn.yml. */
  readonly incidents?: Readonly<Record<string, unknown>>;
  /** Whether Slack answers 429 as the real one does; so it is unless given. */
  readonly rateLimits?: boolean;
}

/** The whole bot in a process of its own, as `npm start` runs it: only Slack is the local one. */
export interface RunningBot {
  readonly pid: number;
  readonly slack: LocalSlack;
  /** What it says of itself at /metrics. */
  readMetrics(): Promise<readonly Sample[]>;
  /** Ends it as a supervisor does, and leaves nothing behind. */
  close(): Promise<void>;
}

/** In the Slack of the bot: somebody, and a channel that is not #database, where only who asks sees the answer. */
export const [person, elsewhere] = ['U0ONE', 'C0TWO'];
const channel = 'C0ONE';
const tokens = { botToken: 'xoxb-bench', appToken: 'xapp-bench', signingSecret: 'bench' };
const home = fileURLToPath(new URL('..', import.meta.url));
const Package = z.object({ scripts: z.object({ start: z.string() }) });
const Started = z.object({ msg: z.literal('started'), httpPort: z.number() });

export async function startBot(options: BotOptions): Promise<RunningBot> {
  const slack = await openSlack(options.rateLimits ?? true);
  const directory = await mkdtemp(join(tmpdir(), 'dbconn-bench-'));
  const bot = await spawnBot(directory, slack, options);
  const close = async (): Promise<void> => {
    bot.kill('SIGTERM');
    if (bot.exitCode === null && bot.signalCode === null) await once(bot, 'exit');
    await slack.close();
    await rm(directory, { recursive: true });
  };
  try {
    const port = await readPort(bot);
    return {
      pid: bot.pid ?? 0,
      slack,
      async readMetrics() {
        const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
        return parsePrometheus(await answer.text());
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function spawnBot(
  directory: string,
  slack: LocalSlack,
  { urls, incidents = {} }: BotOptions,
): Promise<ChildProcess> {
  const file = {
    slack: { channel },
    targets: [...urls].map(([name, url]) => ({ name, database: { url } })),
    incidents,
    journal: join(directory, 'journal.sqlite'),
  };
  await writeFile(join(directory, 'dbconn.yml'), stringify(file));
  // exec, so that the process we know is the bot itself.
  return spawn('sh', ['-c', `cd "$DBCONN_HOME" && exec env ${await readStartScript()}`], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      SLACK_BOT_TOKEN: tokens.botToken,
      SLACK_APP_TOKEN: tokens.appToken,
      SLACK_API_URL: slack.apiUrl,
      DBCONN_CONFIG: join(directory, 'dbconn.yml'),
      DBCONN_HTTP_PORT: '127.0.0.1:0',
      DBCONN_HOME: home,
    },
  });
}

async function readStartScript(): Promise<string> {
  const text = await readFile(join(home, 'package.json'), 'utf8');
  return Package.parse(JSON.parse(text)).scripts.start;
}

/** The port it took, from the line it writes when it is up. What it writes later is read to its end and dropped. */
async function readPort(bot: ChildProcess): Promise<number> {
  if (bot.stdout === null) throw new Error('The bot has no output.');
  const lines = createInterface({ input: bot.stdout });
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const said = line.startsWith('{') ? Started.safeParse(JSON.parse(line)) : undefined;
      if (said?.success === true) resolve(said.data.httpPort);
    });
    lines.once('close', () => reject(new Error('The bot did not start.')));
  });
}

async function openSlack(rateLimits: boolean): Promise<LocalSlack> {
  const manifest: unknown = parse(
    await readFile(new URL('../manifest.yml', import.meta.url), 'utf8'),
  );
  return startSlack({
    ...tokens,
    manifest,
    mode: 'socket',
    people: [{ id: person, name: 'one', realName: 'One' }],
    channels: [channel, elsewhere].map((id) => ({
      id,
      name: id.toLowerCase(),
      members: [person, identity.botUserId],
    })),
    userGroups: [],
    rateLimits,
  });
}

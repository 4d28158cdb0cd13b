import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { appToken, botToken } from '../../slack/support/workspace.ts';
import type { Harness } from '../../support/harness.ts';
import { childEnvironment } from '../../support/child-environment.ts';
import { until } from '../../support/until.ts';

/** In bytes. */
const Memory = z.object({ rss: z.number(), heapUsed: z.number(), external: z.number() });
export type Memory = z.infer<typeof Memory>;

interface Timing {
  readonly leaseMs: number;
  /** Between two messages in Slack; what Slack takes unless given. */
  readonly sendIntervalMs?: number;
}

/** One of several bots that share a journal, as a process that can be killed. */
export interface Replica {
  /** Where alerts come in. */
  readonly port: number;
  /** Whether it says of itself that it tends the incidents. */
  isLeading(): Promise<boolean>;
  /** What it has after a collection. */
  readMemory(): Promise<Memory>;
  /** As an orchestrator ends it. */
  terminate(): Promise<void>;
  /** As a machine that loses its power. */
  kill(): Promise<void>;
  /** As a machine that is paused. */
  freeze(): void;
  thaw(): void;
}

const script = fileURLToPath(new URL('replica-process.ts', import.meta.url));
const startWithinMs = 30_000;

export async function startReplica(
  { file, wire }: Pick<Harness, 'file' | 'wire'>,
  { leaseMs, sendIntervalMs }: Timing,
): Promise<Replica> {
  const times = [leaseMs, ...(sendIntervalMs === undefined ? [] : [sendIntervalMs])].map(String);
  const child = spawn(process.execPath, ['--expose-gc', script, ...times], {
    env: {
      ...childEnvironment,
      DBCONN_CONFIG: file,
      DBCONN_HTTP_PORT: '127.0.0.1:0',
      SLACK_API_URL: wire.apiUrl,
      SLACK_BOT_TOKEN: botToken,
      SLACK_APP_TOKEN: appToken,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const port = await new Promise<number>((resolve, reject) => {
    const fail = (): void => reject(new Error(`A replica did not start:\n${output}`));
    const timer = setTimeout(fail, startWithinMs);
    child.once('exit', fail);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const listening = /^listening on (\d+)$/m.exec(output);
        if (listening === null) return;
        clearTimeout(timer);
        child.off('exit', fail);
        resolve(Number(listening[1]));
      });
    }
  }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  return {
    port,
    async isLeading() {
      if (child.exitCode !== null || child.signalCode !== null) return false;
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      return /^dbconn_leader 1$/m.test(await response.text());
    },
    async readMemory() {
      const said = (): string[] => [...output.matchAll(/^memory (.+)$/gm)].map(([, it = '']) => it);
      const before = said().length;
      child.kill('SIGUSR2');
      await until('it says what memory it has', () => Promise.resolve(said().length > before));
      return Memory.parse(JSON.parse(said().at(-1) ?? ''));
    },
    terminate: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}

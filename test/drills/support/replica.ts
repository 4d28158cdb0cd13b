import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { appToken, botToken } from '../../slack/support/workspace.ts';
import type { Whole } from './whole.ts';

/** One of several bots that share a journal, as a process that can be killed. */
export interface Replica {
  /** Where alerts come in. */
  readonly port: number;
  /** Whether it says of itself that it tends the incidents. */
  isTending(): Promise<boolean>;
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
  { file, wire }: Pick<Whole, 'file' | 'wire'>,
  leaseMs: number,
): Promise<Replica> {
  const child = spawn(process.execPath, [script, String(leaseMs)], {
    env: {
      PATH: process.env['PATH'],
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
    async isTending() {
      if (child.exitCode !== null || child.signalCode !== null) return false;
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      return /^dbconn_tending 1$/m.test(await response.text());
    },
    terminate: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

interface DaemonOptions {
  readonly command: string;
  readonly flags: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Answers 200 once it is up. */
  readonly readyUrl: string;
}

/** A program that runs until it is stopped, or until this process ends. */
export interface Daemon {
  stop(): Promise<void>;
}

const startWithinMs = 30_000;
const stopWithinMs = 5000;
const keptCharacters = 5000;

/** Resolves when it answers; throws with its last words when it ends before, or takes too long. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { command, environment = {}, flags, readyUrl } = options;
  const child = spawn(command, flags, {
    env: { PATH: process.env['PATH'], LC_ALL: 'C', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-keptCharacters);
    });
  }
  const killNow = (): boolean => child.kill('SIGKILL');
  process.once('exit', killNow);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const daemon: Daemon = {
    async stop() {
      process.off('exit', killNow);
      if (hasEnded()) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const force = setTimeout(killNow, stopWithinMs);
      await ended;
      clearTimeout(force);
    },
  };
  const deadline = performance.now() + startWithinMs;
  while (!(await answers(readyUrl))) {
    if (hasEnded() || performance.now() > deadline) {
      await daemon.stop();
      throw new Error(`${command} did not start:\n${words}`);
    }
    await sleep(50);
  }
  return daemon;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false; // it does not listen yet
  }
}

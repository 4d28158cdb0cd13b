import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Point } from './point.ts';
import type { Job } from './story-bot.ts';

/** A bot in a process of its own, loaded and waiting for its job. */
export interface BotProcess {
  begin(job: Job): void;
  /** Where it takes alerts; undefined while it is not up. */
  readonly port: number | undefined;
  /** What it did that lasts, in order. */
  readonly did: readonly string[];
  /** The point it died at. */
  readonly diedAt: Point | undefined;
  /** Everything it said, its log included. */
  readonly output: string;
  readonly hasEnded: boolean;
  /** Resolves at its end, whatever ended it, with all it said. */
  readonly ended: Promise<void>;
  /** As SIGTERM ends it. */
  stop(): void;
  kill(): void;
  /** As a machine that is paused. */
  freeze(): void;
  thaw(): void;
}

const script = fileURLToPath(new URL('story-bot.ts', import.meta.url));

export function startBotProcess(): BotProcess {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  let hasEnded = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  // It may be dead before it was told everything: its end says so.
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close').then(() => {
    hasEnded = true;
  });
  const said = (word: string): string[] =>
    [...output.matchAll(new RegExp(`^${word} (.+)\n`, 'gm'))].map(([, rest = '']) => rest);
  return {
    begin: (job) => void child.stdin.write(`${JSON.stringify(job)}\n`),
    get port() {
      const [port] = said('port');
      return port === undefined ? undefined : Number(port);
    },
    get did() {
      return said('did');
    },
    get diedAt() {
      const [point] = said('died');
      return point === undefined ? undefined : Point.parse(JSON.parse(point));
    },
    get output() {
      return output;
    },
    get hasEnded() {
      return hasEnded;
    },
    ended,
    stop: () => void child.stdin.end(),
    kill: () => void child.kill('SIGKILL'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}

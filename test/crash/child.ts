import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Job } from './run-until-killed.ts';

export interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  /** The kinds of entries it came to write, in order. */
  readonly writes: readonly string[];
  readonly errors: string;
}

/** A process that has loaded everything and waits for its one job. */
export interface Child {
  run(job: Job): Promise<Ended>;
  kill(): void;
}

const script = fileURLToPath(new URL('run-until-killed.ts', import.meta.url));

export function startChild(): Child {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return {
    async run(job) {
      const closed = once(child, 'close');
      child.stdin.end(`${JSON.stringify(job)}\n`);
      await closed;
      const writes = [...output.matchAll(/^write (.+)$/gm)].map(([, kind = '']) => kind);
      return { signal: child.signalCode, code: child.exitCode, writes, errors };
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

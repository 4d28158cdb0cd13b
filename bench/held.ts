import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A crowd of sessions in another process; `release` lets them go. */
export interface HeldCrowd {
  release(): Promise<void>;
}

/** Resolves once so many sessions are idle and so many wait for one row. */
export async function holdCrowd(url: string, idle: number, waiters: number): Promise<HeldCrowd> {
  const script = fileURLToPath(new URL('crowd.ts', import.meta.url));
  const child = spawn(process.execPath, [script, url, String(idle), String(waiters)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const first = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  if (String(first[0]).trim() !== 'ready') throw new Error('The crowd did not come up.');
  return {
    async release() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

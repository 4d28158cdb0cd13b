import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { whyNoEngine } from './engine.ts';

/** Vitest's global set-up: makes the images once per run. */
export async function setup(): Promise<void> {
  const reason = await whyNoEngine();
  if (reason !== null) {
    console.warn(`The Docker tests are skipped: ${reason}. Run .ci/docker.sh to have an engine.`);
    return;
  }
  execFileSync('sh', [fileURLToPath(new URL('make-images.sh', import.meta.url))], {
    stdio: 'inherit',
  });
}

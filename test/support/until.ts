import { setTimeout as sleep } from 'node:timers/promises';

/** Just under a test's own limit, so that whoever reads a red run sees what was waited for. */
export const patienceMs = 110_000;

/** Asks again until the answer is yes. Throws with what was waited for when that never comes. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}.`);
    await sleep(20);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';

const patienceMs = 20_000;

/** Asks again until the answer is yes. Throws after 20 s with what was waited for. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}.`);
    await sleep(20);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';

/** The chain takes seconds from a full server to a webhook; a shared machine takes five times as long. */
const patienceMs = 60_000;

/** Asks again until the answer is yes. Throws after a minute with what was waited for and what `explain` says then. */
export async function eventually(
  what: string,
  holds: () => Promise<boolean>,
  explain: () => Promise<string> = () => Promise.resolve(''),
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline) {
      throw new Error(`Waited in vain: ${what}. ${await explain()}`);
    }
    await sleep(100);
  }
}

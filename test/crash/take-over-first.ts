import { setTimeout as sleep } from 'node:timers/promises';
import type { Approvals } from '../../src/runbook/approvals/approvals.ts';

const patienceMs = 10_000;

/** Takes over as the bot's rounds do, again and again until the lease of the dead has run out. */
export async function takeOverFirst(approvals: Approvals): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const taken = await approvals.takeOver();
    if (!taken.ok) throw new Error(taken.refusal.next);
    if (taken.value.length > 0) return;
    if (Date.now() > deadline) throw new Error('There was nothing to take over.');
    await sleep(20);
  }
}

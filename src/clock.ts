import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from './runbook/snapshot/ports.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  uptime: () => Number(process.hrtime.bigint() / 1_000_000n),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

/** Does the work every so often until the returned function is called. Keeps no process alive. */
export function repeat(everyMs: number, work: () => Promise<void>): () => void {
  const timer = setInterval(() => void work(), everyMs).unref();
  return () => clearInterval(timer);
}

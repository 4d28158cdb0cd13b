import type { Clock } from '../snapshot/ports.ts';

/** Waits for the work, but no longer than that; without a bound to its end. */
export async function within(
  work: Promise<unknown>,
  ms: number | undefined,
  clock: Clock,
): Promise<void> {
  if (ms === undefined) {
    await work;
    return;
  }
  const ended = new AbortController();
  const timer = clock.sleep(ms, ended.signal).catch(() => undefined);
  await Promise.race([work, timer]);
  ended.abort();
}

import type { Clock } from '../runbook/snapshot/ports.ts';

/** Somebody who guesses passwords, or a journal that is gone, would otherwise fill the disk with one sentence. */
const everyMs = 60_000;

/** Lets one of each kind through in a minute, and says how many were kept back before it. */
export function createTellSeldom(
  clock: Pick<Clock, 'now'>,
): (kind: string, tell: (keptBack: number) => void) => void {
  const told = new Map<string, { at: number; keptBack: number }>();
  return (kind, tell) => {
    const last = told.get(kind);
    if (last !== undefined && Math.abs(clock.now() - last.at) < everyMs) {
      last.keptBack += 1;
      return;
    }
    told.set(kind, { at: clock.now(), keptBack: 0 });
    tell(last?.keptBack ?? 0);
  };
}

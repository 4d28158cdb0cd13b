import { writeSync } from 'node:fs';

import { aroundWrites, die } from './around-writes.ts';

/** At which write of this process, counted from 1, and on which side of it. */
export interface KillPoint {
  readonly write: number;
  readonly when: 'before' | 'after';
}

/** Tells each write of an entry on standard output by its kind, and dies with SIGKILL at the point. */
export function killingJournal<T extends object>(journal: T, point: KillPoint | null): T {
  let writes = 0;
  return aroundWrites(journal, async ({ kind }, write) => {
    writes += 1;
    // Not through the stream: what it still holds dies with the process.
    writeSync(1, `write ${kind}\n`);
    const here = point?.write === writes;
    if (here && point.when === 'before') await die();
    const result = await write();
    if (here) await die();
    return result;
  });
}

import { writeSync } from 'node:fs';
import type { Journal } from '../../src/runbook/ports.ts';

/** At which write of this process, counted from 1, and on which side of it. */
export interface KillPoint {
  readonly write: number;
  readonly when: 'before' | 'after';
}

/** Tells each write of an entry on standard output by its kind, and dies with SIGKILL at the point. */
export function killingJournal(journal: Journal, point: KillPoint | null): Journal {
  let writes = 0;
  const write = async (kind: string, call: () => unknown): Promise<unknown> => {
    writes += 1;
    // Not through the stream: what it still holds dies with the process.
    writeSync(1, `write ${kind}\n`);
    const here = point?.write === writes;
    if (here && point.when === 'before') await die();
    const result = await call();
    if (here) await die();
    return result;
  };
  return new Proxy(journal, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]): unknown => {
        const call = (): unknown => Reflect.apply(method, target, args);
        const kind = kindOf(args.at(-1));
        return kind === undefined ? call() : write(kind, call);
      };
    },
  });
}

/** Whatever method takes a draft of an entry last writes one. */
function kindOf(draft: unknown): string | undefined {
  if (typeof draft !== 'object' || draft === null || !('kind' in draft)) return undefined;
  return String(draft.kind);
}

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way; nothing more may happen until it is here.
  return new Promise(() => undefined);
}

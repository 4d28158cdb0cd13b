import type { Clock, Holder } from '../ports.ts';
import type { IncidentLog } from '../ports/incident-log.ts';

/** Whether this process is the one that tends the incidents. */
export interface Tenure {
  isHeld(): boolean;
  /** Takes or prolongs it. Throws JournalUnavailable: that is no loss until its time has run out. */
  ask(): Promise<void>;
  /** Ends it for this process, without telling the others. */
  drop(): void;
}

export function createTenure(
  log: Pick<IncidentLog, 'tend'>,
  holder: Holder,
  clock: Pick<Clock, 'now'>,
): Tenure {
  let untilMs = 0;
  return {
    isHeld() {
      const leftMs = untilMs - clock.now();
      // More than was asked for: the clock was set back, and only the journal knows.
      return leftMs > 0 && leftMs <= holder.forMs;
    },
    async ask() {
      // From before the asking: the journal counts from a later moment, never from an earlier one.
      const askedAtMs = clock.now();
      untilMs = (await log.tend(holder)) ? askedAtMs + holder.forMs : 0;
    },
    drop() {
      untilMs = 0;
    },
  };
}

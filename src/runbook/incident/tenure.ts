import type { Clock, Holder } from '../snapshot/ports.ts';
import type { IncidentLog } from '../ports/incident-log.ts';
import { uptimeOf } from '../uptime.ts';

/** Whether this process is the one that tends the incidents. */
interface LeaderLease {
  isHeld(): boolean;
  /** Takes or prolongs it. Throws JournalUnavailable: that is no loss until its time has run out. */
  ask(): Promise<void>;
  /** Ends it for this process, without telling the others. */
  drop(): void;
}

export function createLeaderLease(
  log: Pick<IncidentLog, 'takeLead'>,
  holder: Holder,
  clock: Pick<Clock, 'now' | 'uptime'>,
): LeaderLease {
  let untilMs = Number.NEGATIVE_INFINITY;
  return {
    isHeld: () => untilMs > uptimeOf(clock),
    async ask() {
      // From before the asking: the journal counts from a later moment, never from an earlier one.
      const askedAtMs = uptimeOf(clock);
      const isOurs = await log.takeLead(holder);
      untilMs = isOurs ? askedAtMs + holder.forMs : Number.NEGATIVE_INFINITY;
    },
    drop() {
      untilMs = Number.NEGATIVE_INFINITY;
    },
  };
}

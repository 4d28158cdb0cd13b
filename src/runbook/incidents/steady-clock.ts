import { uptimeOf } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import type { IncidentLog } from './incident-log.ts';

/**
 * A clock that nobody sets while an incident is open: it counts the journal's time by the machine's uptime, and follows
 * the wall clock again some time after all incidents are over. So no call for help comes late, and none early, and a timeline
 * never runs backwards.
 */
export interface SteadyClock extends Clock {
  /** Asks the journal what time it is. Throws JournalUnavailable, and then goes on as before. */
  agree(): Promise<void>;
  /** A moment of the wall clock some seconds ago, such as a check's, as this clock counts it. */
  toSteady(at: string): string;
}

/** A check that seems older, or seems to come, was taken before the clock was set. */
const longestAgoMs = 60_000;

/** One that knows the time. Throws JournalUnavailable. */
export async function openSteadyClock(
  ...parts: Parameters<typeof createSteadyClock>
): Promise<SteadyClock> {
  const steady = createSteadyClock(...parts);
  await steady.agree();
  return steady;
}

export function createSteadyClock(
  journal: Pick<IncidentLog, 'readTime'>,
  clock: Clock,
): SteadyClock {
  let agreed: { readonly nowMs: number; readonly atMs: number } | undefined;
  const now = (): number =>
    agreed === undefined ? clock.now() : agreed.nowMs + uptimeOf(clock) - agreed.atMs;
  return {
    now,
    uptime: () => uptimeOf(clock),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    async agree() {
      const { nowMs, isSteady } = await journal.readTime();
      if (isSteady || agreed === undefined) agreed = { nowMs, atMs: uptimeOf(clock) };
    },
    toSteady(at) {
      const [nowMs, wallMs] = [now(), clock.now()];
      if (nowMs === wallMs) return at;
      const agoMs = wallMs - Date.parse(at);
      return new Date(agoMs >= 0 && agoMs <= longestAgoMs ? nowMs - agoMs : nowMs).toISOString();
    },
  };
}

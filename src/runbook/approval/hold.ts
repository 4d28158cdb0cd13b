import { signalWithinMs } from '../ports.ts';
import type { Clock, Holder, Journal } from '../ports.ts';
import { uptimeOf } from '../uptime.ts';
import { JournalUnavailable } from './journal-unavailable.ts';

/** The journal as the door has it: whoever writes the last vote holds the request from that moment on. */
export function holdApproved(journal: Journal, holder: Holder): Journal {
  return {
    ...bound(journal),
    move: (from, to, entry) =>
      journal.move(from, to, to.state === 'approved' ? { ...entry, holder } : entry),
  };
}

/**
 * The journal of a run: it writes nothing once another process took the request over. Each write prolongs the lease, from
 * a moment after it was asked for: an intent is refused whose answer leaves less of it than a signal may take.
 */
export function fence(
  journal: Journal,
  holder: Holder,
  clock: Pick<Clock, 'now' | 'uptime'>,
): Journal {
  return {
    ...bound(journal),
    move: (from, to, entry) => journal.move(from, to, { ...entry, holder }),
    async record(entry) {
      const askedAtMs = uptimeOf(clock);
      await journal.record({ ...entry, holder });
      const tookMs = uptimeOf(clock) - askedAtMs;
      // A lease that is shorter than any signal is a test's.
      const isShort = holder.forMs <= signalWithinMs;
      const isIntent = entry.kind === 'step-intended';
      if (isIntent && !isShort && tookMs > holder.forMs - signalWithinMs) {
        throw new JournalUnavailable('The journal answered too late for what was to follow.');
      }
    },
  };
}

/** Its methods, to be written over one by one: those of a class do not spread. */
export function bound(journal: Journal): Journal {
  return {
    create: (request, entry) => journal.create(request, entry),
    read: (id) => journal.read(id),
    list: (states) => journal.list(states),
    move: (from, to, entry) => journal.move(from, to, entry),
    record: (entry) => journal.record(entry),
    hold: (request, holder) => journal.hold(request, holder),
    renew: (holder) => journal.renew(holder),
    release: (request, holder) => journal.release(request, holder),
    readRunsSince: (run) => journal.readRunsSince(run),
    readSteps: (request) => journal.readSteps(request),
    readAgeMs: (request, kinds) => journal.readAgeMs(request, kinds),
    readStop: () => journal.readStop(),
    writeStop: (stop, entry) => journal.writeStop(stop, entry),
    findUntrue: () => journal.findUntrue(),
  };
}

import { signalWithinMs } from '../snapshot/ports.ts';
import type { Clock, Holder, Journal } from '../snapshot/ports.ts';
import type { Lease } from '../remedies/lease.ts';
import { uptimeOf } from '../uptime.ts';
import { JournalUnavailable } from './journal-unavailable.ts';

/** The journal as the door has it: whoever writes the last vote holds the request from that moment on. */
export function leaseApproved(journal: Journal, holder: Holder): Journal {
  return {
    ...bound(journal),
    move: (from, to, entry) =>
      journal.move(from, to, to.state === 'approved' ? { ...entry, holder } : entry),
  };
}

/** What a run writes, and how long it may act on that. */
interface Fenced {
  readonly journal: Journal;
  readonly lease: Lease;
}

/** Of a lease, at most so much is waited for an answer that lets something happen. */
const signalShare = 0.5;
/** A lease that ends sooner is one of a test that kills its holder: nobody is there to be late. */
const leastLeaseMs = 1000;

/**
 * The journal of a run: it writes nothing once another process took the request over. Each write prolongs the lease, from
 * a moment after it was asked for: an intent is refused whose answer leaves less of it than a signal may take.
 */
export function withLease(
  journal: Journal,
  holder: Holder,
  clock: Pick<Clock, 'now' | 'uptime'>,
): Fenced {
  let sentAtMs = uptimeOf(clock);
  const lease: Lease = {
    leftMs: () =>
      holder.forMs < leastLeaseMs
        ? Number.POSITIVE_INFINITY
        : sentAtMs + holder.forMs - uptimeOf(clock),
    mustLast(forMs) {
      if (lease.leftMs() < forMs) throw new JournalUnavailable(tooLate);
    },
  };
  const fenced: Journal = {
    ...bound(journal),
    move: (from, to, entry) => journal.move(from, to, { ...entry, holder }),
    async record(entry) {
      const beganAtMs = uptimeOf(clock);
      await journal.record({ ...entry, holder });
      sentAtMs = beganAtMs;
      if (entry.kind !== 'step-intended') return;
      lease.mustLast(Math.min(signalWithinMs, holder.forMs * signalShare));
    },
  };
  return { journal: fenced, lease };
}

const tooLate =
  'Too much time went by between the intent and the change, so nothing was sent: another dbconn may go on with it.';

/** Its methods, to be written over one by one: those of a class do not spread. */
export function bound(journal: Journal): Journal {
  return {
    create: (request, entry) => journal.create(request, entry),
    read: (id) => journal.read(id),
    list: (states) => journal.list(states),
    move: (from, to, entry) => journal.move(from, to, entry),
    record: (entry) => journal.record(entry),
    acquire: (request, holder) => journal.acquire(request, holder),
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

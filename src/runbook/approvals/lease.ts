import { keepNewest, uptimeOf } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import type { Lease } from '../remedies/remedy.ts';
import { signalWithinMs } from '../remedies/remedy.ts';
import type { ApprovalDeps } from './context.ts';
import { JournalUnavailable } from './journal.ts';
import type { Holder, Journal } from './journal.ts';

/** The journal as approvals write it: the process that writes the last vote holds the request from that moment on. */
export function leaseApproved(journal: Journal, holder: Holder): Journal {
  return {
    ...journal,
    move: (from, to, entry) =>
      journal.move(from, to, to.state === 'approved' ? { ...entry, holder } : entry),
  };
}

/** What a run writes, and how long it may act on that. */
interface LeasedJournal {
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
): LeasedJournal {
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
  const leased: Journal = {
    ...journal,
    move: (from, to, entry) => journal.move(from, to, { ...entry, holder }),
    async record(entry) {
      const beganAtMs = uptimeOf(clock);
      await journal.record({ ...entry, holder });
      sentAtMs = beganAtMs;
      if (entry.kind !== 'step-intended') return;
      lease.mustLast(Math.min(signalWithinMs, holder.forMs * signalShare));
    },
  };
  return { journal: leased, lease };
}

const tooLate =
  'Too much time passed between the intent and the change, so nothing was sent. Another dbconn may continue.';

/** Three renewals in a row may be missed before another process thinks this one dead. */
const renewalsPerLease = 4;

interface Leases {
  begin(): void;
  end(): void;
}

/** Renews this process's leases from `begin` on, as long as it has work. */
export function keepLeases(
  { journal, repeat }: Pick<ApprovalDeps, 'journal' | 'repeat'>,
  holder: Holder,
  hasWork: () => boolean,
): Leases {
  let stop: (() => void) | undefined;
  const end = (): void => {
    stop?.();
    stop = undefined;
  };
  const renew = async (): Promise<void> => {
    if (!hasWork()) end();
    // A journal that cannot be written now fails the next step too, and that is reported.
    else await journal.renew(holder).catch(() => undefined);
  };
  return {
    begin: () => {
      stop ??= repeat?.(holder.forMs / renewalsPerLease, renew);
    },
    end,
  };
}

/** More requests than this are never asked about again. */
const mostKnown = 1000;

/** Kinds of entries whose age decides, besides the first one's. */
const decides: ReadonlySet<string> = new Set(['handed', 'ran-by-hand', 'verifying']);

/**
 * The journal of a process in which an age that was read once, or of an entry it wrote itself, grows with the machine's
 * uptime: no expiry can be stretched and no cooldown cut short by setting a clock. Between processes the journal's own
 * clock decides.
 */
export function growSteadily(journal: Journal, clock: Clock): Journal {
  /** Of each request and kinds of entries: when the first one was written, by the machine's uptime. */
  const known = new Map<string, number>();
  const know = (key: string, atMs: number): void => {
    if (known.has(key)) return;
    known.set(key, atMs);
    keepNewest(known, mostKnown);
  };
  return {
    ...journal,
    async create(request, entry) {
      const atMs = uptimeOf(clock);
      await journal.create(request, entry);
      know(`${request.id} ${entry.kind}`, atMs);
    },
    async move(from, to, entry) {
      const atMs = uptimeOf(clock);
      const moved = await journal.move(from, to, entry);
      if (moved === 'moved' && decides.has(entry.kind)) know(`${to.id} ${entry.kind}`, atMs);
      return moved;
    },
    async readAgeMs(request, kinds) {
      const key = [request, ...kinds].join(' ');
      const keys = [key, ...kinds.map((kind) => `${request} ${kind}`)];
      const written = keys.flatMap((one) => known.get(one) ?? []);
      if (written.length > 0) return uptimeOf(clock) - Math.min(...written);
      const readAtMs = uptimeOf(clock);
      const ageMs = await journal.readAgeMs(request, kinds);
      if (ageMs !== undefined) know(key, readAtMs - ageMs);
      return ageMs;
    },
  };
}

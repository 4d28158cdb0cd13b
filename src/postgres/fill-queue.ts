import type { LockReading, WaiterReading } from '../runbook/diagnose/snapshot.ts';
import type { LookRow } from './look-row.ts';

/** pg_blocking_pids names everybody ahead; more than this many helps no reader. */
const shownBlockers = 50;

interface Place {
  readonly pid: number;
  readonly target: number;
  readonly mode: string;
  readonly waitSeconds: number | null;
  readonly asked?: { readonly pids: readonly number[]; readonly total: number };
}

/**
 * Who waits for whom. Waiters the server was asked about have its own answer. For a later one in the same
 * queue it follows from the last that was asked: what blocks that one blocks this one too, and where the wanted
 * mode conflicts with itself, so do all those between. That misses nobody who could be a root: a root holds the
 * lock, and holders block the whole queue.
 */
export function readLocks(row: LookRow): LockReading {
  const places = row.waiters.map(([pid, target, mode, waitSeconds, total, pids]): Place => {
    const asked = pids === null ? undefined : { pids, total: total ?? pids.length };
    return { pid, target, mode, waitSeconds, ...(asked !== undefined && { asked }) };
  });
  const targets = new Map(
    row.targets.map(([target, type, relation]) => [target, { type, relation }]),
  );
  const gids = Map.groupBy(row.preparedHolds, ([target]) => target);
  const blockers = fillQueues(places);
  const waiters = places.map((place): WaiterReading => {
    const { pids, total } = blockers.get(place) ?? { pids: [], total: 0 };
    const held = pids.includes(0) ? (gids.get(place.target) ?? []) : [];
    return {
      pid: place.pid,
      waitsFor: pids,
      waitsForTotal: total,
      prepared: [...new Set(held.map(([, , gid]) => gid))],
      lock: `${targets.get(place.target)?.type ?? 'lock'} ${place.mode}`,
      relation: targets.get(place.target)?.relation ?? null,
      waitSeconds: place.waitSeconds,
    };
  });
  const safe = row.safeSnapshots.map(toSafeWaiter);
  return {
    waiters: [...waiters, ...safe],
    waitersTotal: row.waitersTotal + safe.length,
    askedTotal: places.filter(({ asked }) => asked !== undefined).length + safe.length,
  };
}

interface Blockers {
  readonly pids: readonly number[];
  readonly total: number;
}

function fillQueues(places: readonly Place[]): ReadonlyMap<Place, Blockers> {
  const filled = new Map<Place, Blockers>();
  const queues = Map.groupBy(places, ({ target, mode }) => `${target} ${mode}`);
  for (const queue of queues.values()) {
    let last: Blockers = { pids: [], total: 0 };
    let excludesItself = false;
    for (const [turn, place] of queue.entries()) {
      if (place.asked === undefined) {
        const ahead = queue[turn - 1];
        if (excludesItself && ahead !== undefined) last = append(last, ahead.pid);
      } else {
        last = distinct(place.asked);
        const earlier = queue.slice(0, turn);
        excludesItself = earlier.some(({ pid }) => last.pids.includes(pid));
      }
      filled.set(place, last);
    }
  }
  return filled;
}

function append({ pids, total }: Blockers, pid: number): Blockers {
  return { pids: pids.length < shownBlockers ? [...pids, pid] : pids, total: total + 1 };
}

/** One pid may stand for a whole parallel group and then comes several times. */
function distinct({ pids, total }: Blockers): Blockers {
  const once = [...new Set(pids)];
  return { pids: once, total: total - (pids.length - once.length) };
}

/** SERIALIZABLE READ ONLY DEFERRABLE waits for a safe snapshot: no lock, yet somebody to wait for. */
function toSafeWaiter([
  pid,
  waitSeconds,
  total,
  pids,
]: LookRow['safeSnapshots'][number]): WaiterReading {
  const waitsFor = [...new Set(pids)];
  return {
    pid,
    waitsFor,
    waitsForTotal: total ?? waitsFor.length,
    prepared: [],
    lock: 'SafeSnapshot',
    relation: null,
    waitSeconds,
  };
}

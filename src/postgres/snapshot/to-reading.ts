import type {
  DatabaseReading,
  LockReading,
  SessionReading,
  WaiterReading,
} from '../../runbook/snapshot/snapshot.ts';
import type { SessionRow, SnapshotRow } from './snapshot-row.ts';
import { readStatement } from './statement-text.ts';

/**
 * Weakest first, and the columns are in the same order: X where the two modes conflict (PostgreSQL documentation 13.3,
 * table 13.2). Rows, transaction ids and advisory locks use the same modes.
 */
const conflicting = new Map([
  ['AccessShareLock', '.......X'],
  ['RowShareLock', '......XX'],
  ['RowExclusiveLock', '....XXXX'],
  ['ShareUpdateExclusiveLock', '...XXXXX'],
  ['ShareLock', '..XX.XXX'],
  ['ShareRowExclusiveLock', '..XXXXXX'],
  ['ExclusiveLock', '.XXXXXXX'],
  ['AccessExclusiveLock', 'XXXXXXXX'],
]);
const modes = [...conflicting.keys()];

/** Whether who wants the one mode has to wait for who holds, or queues ahead for, the other. */
export function conflicts(wanted: string, other: string): boolean {
  return conflicting.get(wanted)?.[modes.indexOf(other)] === 'X';
}

/** pg_blocking_pids names everybody ahead; more than this many helps no reader. */
const shownBlockers = 50;

type LocksOfRow = Pick<
  SnapshotRow,
  'waiters' | 'waitersTotal' | 'targets' | 'snapshotWaits' | 'preparedHolds'
>;

interface Place {
  readonly pid: number;
  readonly target: number;
  readonly mode: string;
  readonly waitSeconds: number | null;
  readonly asked?: { readonly pids: readonly number[]; readonly total: number };
}

/**
 * Who waits for whom. Waiters the server was asked about have its own answer. For a later one it follows from
 * the last one asked that wants the same mode of the same thing: what blocks that one blocks this one too, and
 * so do those who queued up between and want a mode that conflicts with this one's.
 */
export function readLocks(row: LocksOfRow): LockReading {
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
  const others = row.snapshotWaits.map(toSnapshotWaiter);
  return {
    waiters: [...waiters, ...others],
    waitersTotal: row.waitersTotal + others.length,
    askedTotal: places.filter(({ asked }) => asked !== undefined).length + others.length,
  };
}

interface Blockers {
  readonly pids: readonly number[];
  readonly total: number;
}

/** The waiters come oldest first, so each one finds what everybody ahead of it in its queue left for its mode. */
function fillQueues(places: readonly Place[]): ReadonlyMap<Place, Blockers> {
  const filled = new Map<Place, Blockers>();
  for (const queue of Map.groupBy(places, ({ target }) => target).values()) {
    const ahead = new Map<string, Blockers>();
    for (const place of queue) {
      const { pid, mode, asked } = place;
      const blockers = asked === undefined ? ahead.get(mode) : distinct(asked);
      filled.set(place, blockers ?? { pids: [], total: 0 });
      if (blockers !== undefined) ahead.set(mode, blockers);
      for (const [wanted, known] of ahead) {
        if (conflicts(wanted, mode)) ahead.set(wanted, append(known, pid));
      }
    }
  }
  return filled;
}

function append({ pids, total }: Blockers, pid: number): Blockers {
  if (pids.includes(pid)) return { pids, total };
  return { pids: pids.length < shownBlockers ? [...pids, pid] : pids, total: total + 1 };
}

/** One pid may stand for a whole parallel group and then comes several times. */
function distinct({ pids, total }: Blockers): Blockers {
  const once = [...new Set(pids)];
  return { pids: once, total: total - (pids.length - once.length) };
}

/** SERIALIZABLE READ ONLY DEFERRABLE, or replay on a standby, waits for snapshots: no lock, yet somebody to wait for. */
function toSnapshotWaiter([
  pid,
  event,
  waitSeconds,
  total,
  pids,
]: SnapshotRow['snapshotWaits'][number]): WaiterReading {
  const waitsFor = [...new Set(pids)];
  return {
    pid,
    waitsFor,
    waitsForTotal: total ?? waitsFor.length,
    prepared: [],
    lock: event,
    relation: null,
    waitSeconds,
  };
}

/** BOOTSTRAP_SUPERUSERID in PostgreSQL's pg_authid.dat: the role that initdb made. */
const bootstrapOid = 10;

/** What the statement read, as the evidence it is. From here on nothing holds a literal of anybody's SQL. */
export function toReading(row: SnapshotRow): DatabaseReading {
  const { waiters: _waiters, targets: _targets, snapshotWaits: _safe, ...rest } = row;
  const { roles, databases: _databases, ...unnamed } = rest;
  const { waitersTotal: _total, preparedHolds: _holds, sessionsBegan: _began, ...named } = unnamed;
  const { sessions, managedBy, ...reading } = named;
  const shown = sessions.filter(({ startedAt }) => startedAt !== null).map(toSession);
  return {
    ...reading,
    ...(managedBy !== null && { managedBy }),
    superuserRoles: roles
      .filter(([, , isSuperuser]) => isSuperuser)
      .map(([oid, name]) => ({ name, isBootstrap: oid === bootstrapOid })),
    sessions: shown,
    sessionsTruncated: row.counts.clients > shown.length,
    locks: readLocks(row),
  };
}

function toSession({ query, cut, queryId, startedAt, ...session }: SessionRow): SessionReading {
  const statement = query === null || query === '' ? null : readStatement(query, cut);
  return {
    ...session,
    startedAt: startedAt ?? '',
    query: statement?.query ?? null,
    fingerprint: queryId ?? statement?.fingerprint ?? null,
  };
}

import type { LogClass, LogClassCount, Snapshot } from '../../snapshot/snapshot.ts';

/** A refused connection this young means that the server is being stormed right now. */
const refusedWithinMs = 10_000;

const refusals: ReadonlySet<LogClass> = new Set([
  'slots-full',
  'slots-reserved',
  'role-or-database-limit',
]);

interface NextReplica {
  /** Slots it holds now and gives back when it stops; null when it cannot be told. */
  readonly holds: number | null;
  /** What its pools may open together; null when unknown or without a ceiling. */
  readonly mayOpen: number | null;
}

/**
 * Whether the next replica may restart now, or in a sentence why not: its pool would not fit into the free
 * slots, or somebody was refused a slot (53300) within the last 10 s. Pools that start together storm a server
 * that has just come up for air.
 */
export function whyNotNow(
  snapshot: Snapshot,
  next: NextReplica,
  nowMs: number,
): string | undefined {
  if (wasRefused(snapshot, nowMs)) return 'PostgreSQL refused connections within the last 10 s';
  const { reading } = snapshot.database;
  if (reading === undefined) return 'PostgreSQL could not be looked at';
  const { maxConnections, superuserReserved, reserved, providerReserved } = reading.capacity;
  const usable = maxConnections - superuserReserved - reserved - providerReserved;
  const free = Math.max(0, usable - reading.counts.clients) + (next.holds ?? 0);
  return next.mayOpen !== null && next.mayOpen > free
    ? `its pool may open ${next.mayOpen} connections and ${free} slots would be free for it`
    : undefined;
}

function wasRefused({ database, logs }: Snapshot, nowMs: number): boolean {
  const { error } = database.reach;
  // dbconn at its own role's limit is nobody else's trouble.
  if (error?.kind === 'full' && error.scope !== 'role') return true;
  if (!logs.ok) return false;
  const role = database.reading?.visibility.role;
  return logs.value.some(({ classes }) =>
    classes.some(
      (line) =>
        refusals.has(line.class) &&
        !isOurs(line, role) &&
        line.lastAt !== null &&
        Date.parse(line.lastAt) >= nowMs - refusedWithinMs,
    ),
  );
}

/** The server logs dbconn's own refusals too, by the role's name. */
function isOurs({ example }: LogClassCount, role: string | undefined): boolean {
  return role !== undefined && example.includes(`too many connections for role "${role}"`);
}

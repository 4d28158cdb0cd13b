import type { HostState } from '../../ports/server-host.ts';
import type { MaxConnectionsReading } from '../../ports/server-settings.ts';

/**
 * Shared memory for each connection, measured with `postgres -C shared_memory_size` on 15 and 18, with 100 to 5,000
 * connections: 24.3 kB and 0.4 kB for each of max_locks_per_transaction, at the defaults of all else.
 */
const bytesPerConnection = 25_000;
const bytesPerLock = 400;

/** What a value of max_connections asks of the machine, in bytes. An estimate. */
interface MemoryNeed {
  /** More shared memory than now; negative when lowering. */
  readonly moreShared: number;
  /** All of it; null before PostgreSQL 15, which does not tell. */
  readonly shared: number | null;
  /** Every connection sorts or hashes once, at the same time. One that does so twice takes twice as much. */
  readonly atWork: number;
}

export function estimateMemory({ memory, inForce }: MaxConnectionsReading, to: number): MemoryNeed {
  const { locksPerTransaction, workMemBytes, hashMultiplier, sharedBytes } = memory;
  const perConnection = bytesPerConnection + bytesPerLock * locksPerTransaction;
  const moreShared = (to - inForce) * perConnection;
  return {
    moreShared,
    shared: sharedBytes === null ? null : sharedBytes + moreShared,
    atWork: to * workMemBytes * Math.max(1, hashMultiplier),
  };
}

/** The shared memory alone is more than there is: it would not start, or be killed while it does. */
export function isBeyond({ shared, moreShared }: MemoryNeed, host: HostState | undefined): boolean {
  const limit = host?.memoryBytes ?? null;
  return limit !== null && (shared ?? moreShared) > limit;
}

export function memorySentences(
  need: MemoryNeed,
  to: number,
  host: HostState | undefined,
): readonly string[] {
  const { moreShared, shared, atWork } = need;
  const limit = host?.memoryBytes ?? null;
  const of = limit === null ? '' : `, of ${bytes(limit)} that it may use`;
  const together = (shared ?? Math.max(0, moreShared)) + atWork;
  const isTight = limit !== null && together > limit;
  return [
    ...(moreShared > 0
      ? [
          `About ${bytes(moreShared)} more shared memory, by an estimate${shared === null ? '' : `: ${bytes(shared)} in all`}${of}.`,
        ]
      : []),
    `If all ${to} connections sorted or hashed at once, they would take ${bytes(atWork)} of work_mem${isTight ? ': with the shared memory that is more than there is, and the kernel would kill something' : ''}.`,
  ];
}

/** `812 kB`, `12 MB`, `1.5 GB`. */
export function bytes(n: number): string {
  const units = ['kB', 'MB', 'GB'] as const;
  let value = n / 1024;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 10 ? Math.round(value) : Math.round(value * 10) / 10} ${units[unit] ?? ''}`;
}

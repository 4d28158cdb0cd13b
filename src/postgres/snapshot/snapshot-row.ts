import { z } from 'zod';
import { age, count, integer } from '../../runbook/snapshot/readings.ts';
import { DatabaseReading, SessionReading } from '../../runbook/snapshot/snapshot.ts';

/** The JSON of the snapshot's statement, as `snapshot-statement.ts` builds it: a reading, and what the rest of it is made of. */

const oid = z.coerce.number().int();
const pids = z.array(integer);

const Session = SessionReading.omit({ fingerprint: true }).extend({
  /** Null for another role's session where pg_monitor lacks. */
  startedAt: z.string().nullable(),
  /** Its first bytes, in base64. */
  query: z.string().nullable(),
  /** They are not all of it. */
  cut: z.boolean(),
  queryId: z.string().nullable(),
});
export type SessionRow = z.infer<typeof Session>;

export const SnapshotRow = DatabaseReading.omit({
  superuserRoles: true,
  sessionsTruncated: true,
  locks: true,
  lockManagerBusy: true,
  turnover: true,
}).extend({
  /** oid, name, whether it is a superuser's, whether it is one for replication; those with the most sessions. */
  roles: z.array(z.tuple([oid, z.string(), z.boolean(), z.boolean()])),
  databases: z.array(z.tuple([oid, z.string()])),
  sessions: z.array(Session),
  /** pid, what it waits for, mode, seconds, and where it was asked: number of blockers and the first fifty. */
  waiters: z.array(
    z.tuple([integer, integer, z.string(), age.nullable(), integer.nullable(), pids.nullable()]),
  ),
  waitersTotal: count,
  targets: z.array(z.tuple([integer, z.string(), z.string().nullable()])),
  /** pid, the name of the wait, seconds, and whom it waits for. */
  snapshotWaits: z.array(
    z.tuple([integer, z.string(), age.nullable(), integer.nullable(), pids.nullable()]),
  ),
  preparedHolds: z.array(z.tuple([integer, z.string(), z.string()])),
  /** Null before PostgreSQL 14. */
  sessionsBegan: count.nullable(),
  managedBy: DatabaseReading.shape.managedBy.unwrap().nullable(),
});
export type SnapshotRow = z.infer<typeof SnapshotRow>;

/** What `light-snapshot.ts` reads; users and databases stand in `sources` as their oids. */
export const LightRow = DatabaseReading.pick({
  at: true,
  startedAt: true,
  counts: true,
  waits: true,
  sources: true,
  sourcesTotal: true,
}).extend({
  /** Sessions in the lock manager itself, most of them checking for a deadlock. */
  inLockManager: count,
});

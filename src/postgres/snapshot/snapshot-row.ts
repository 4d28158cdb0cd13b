import { z } from 'zod';

/** The JSON of the look's statement, as `look-statement.ts` builds it. */

const count = z.coerce.number().int();
const age = z.coerce.number();
const oid = z.coerce.number().int();

const SessionState = z.enum([
  'active',
  'idle',
  'idle in transaction',
  'idle in transaction (aborted)',
  'fastpath function call',
  'disabled',
  'starting',
  'unknown',
]);

const Counts = z.object({
  clients: count,
  active: count,
  idle: count,
  idleInTransaction: count,
  idleInTransactionAborted: count,
  starting: count,
  other: count,
  own: count,
  superuser: count,
  hidden: count,
  lockWaiting: count,
  newIn10s: count,
  newIn60s: count,
  newIn300s: count,
  idleInTransactionOverWarning: count,
  idleInTransactionOverTerminate: count,
  idleOverTerminate: count,
  slowQueries: count,
  slowClients: count,
  committing: count,
  walsenders: count,
  parallelWorkers: count,
  autovacuumWorkers: count,
  processes: count,
});

const Source = z.object({
  user: z.string().nullable(),
  application: z.string(),
  client: z.string().nullable(),
  database: z.string().nullable(),
  total: count,
  active: count,
  idle: count,
  idleInTransaction: count,
  idleInTransactionAborted: count,
  idleInTransactionOverTerminate: count,
  idleOverTerminate: count,
  newIn60s: count,
  oldestIdleSeconds: age.nullable(),
  usedOnce: count,
  usedOnceAges: z.array(age).readonly().nullable(),
  silent: count,
  silentAges: z.array(age).readonly().nullable(),
  openedAges: z.array(age).readonly().nullable(),
});

const waits = z.array(
  z.object({
    type: z.string().nullable(),
    event: z.string().nullable(),
    sessions: count,
    lasting: count,
  }),
);

const Session = z.object({
  pid: z.number().int(),
  /** Null for another role's session where pg_monitor lacks. */
  startedAt: z.string().nullable(),
  user: z.string().nullable(),
  application: z.string(),
  client: z.string().nullable(),
  database: z.string().nullable(),
  backendType: z.string(),
  state: SessionState.catch('unknown'),
  stateChangedAt: z.string().nullable(),
  transactionStartedAt: z.string().nullable(),
  connectionAgeSeconds: age,
  transactionAgeSeconds: age.nullable(),
  queryAgeSeconds: age.nullable(),
  stateAgeSeconds: age.nullable(),
  waitEventType: z.string().nullable(),
  waitEvent: z.string().nullable(),
  hasWritten: z.boolean(),
  superuser: z.boolean(),
  replication: z.boolean(),
  own: z.boolean(),
  canSignal: z.boolean(),
  /** Its first bytes, in base64. */
  query: z.string().nullable(),
  /** They are not all of it. */
  cut: z.boolean(),
  queryId: z.string().nullable(),
});
export type SessionRow = z.infer<typeof Session>;

const pids = z.array(z.number().int());

export const SnapshotRow = z.object({
  at: z.string(),
  version: z.number().int(),
  startedAt: z.string(),
  inRecovery: z.boolean(),
  capacity: z.object({
    maxConnections: count,
    superuserReserved: count,
    reserved: count,
    providerReserved: count,
  }),
  counts: Counts,
  sources: z.array(Source),
  sourcesTotal: count,
  /** oid, name, whether it is a superuser's, whether it is one for replication; those with the most sessions. */
  roles: z.array(z.tuple([oid, z.string(), z.boolean(), z.boolean()])),
  databases: z.array(z.tuple([oid, z.string()])),
  connectionLimits: z.array(
    z.object({ kind: z.enum(['role', 'database']), name: z.string(), limit: count, used: count }),
  ),
  sessions: z.array(Session),
  /** pid, what it waits for, mode, seconds, and where it was asked: number of blockers and the first fifty. */
  waiters: z.array(
    z.tuple([
      z.number().int(),
      z.number().int(),
      z.string(),
      age.nullable(),
      z.number().int().nullable(),
      pids.nullable(),
    ]),
  ),
  waitersTotal: count,
  targets: z.array(z.tuple([z.number().int(), z.string(), z.string().nullable()])),
  /** pid, the name of the wait, seconds, and whom it waits for. */
  snapshotWaits: z.array(
    z.tuple([
      z.number().int(),
      z.string(),
      age.nullable(),
      z.number().int().nullable(),
      pids.nullable(),
    ]),
  ),
  preparedHolds: z.array(z.tuple([z.number().int(), z.string(), z.string()])),
  prepared: z.array(
    z.object({ gid: z.string(), owner: z.string(), database: z.string(), ageSeconds: age }),
  ),
  preparedTotal: count,
  settings: z.array(
    z.object({
      name: z.string(),
      value: z.string(),
      unit: z.string().nullable(),
      source: z.string(),
      pendingRestart: z.boolean(),
    }),
  ),
  waits,
  progress: z.array(
    z.object({
      pid: z.number().int(),
      command: z.string(),
      phase: z.string().nullable(),
      done: count.nullable(),
      total: count.nullable(),
      relation: z.string().nullable(),
    }),
  ),
  untracked: z.object({ sessions: count, resting: count.nullable(), inTransaction: count }),
  statsResetAt: z.string().nullable(),
  deadlocks: count,
  /** Null before PostgreSQL 14. */
  sessionsBegan: count.nullable(),
  standbys: z.array(
    z.object({ application: z.string(), state: z.string(), replayLagSeconds: age.nullable() }),
  ),
  visibility: z.object({
    monitor: z.boolean(),
    role: z.string(),
    roleSuperuser: z.boolean(),
    canSignal: z.boolean(),
    canUseReserved: z.boolean(),
    roleConnectionLimit: z.number().int(),
  }),
  managedBy: z.enum(['rds', 'cloudsql', 'azure']).nullable(),
});
export type SnapshotRow = z.infer<typeof SnapshotRow>;

/** What `light-look.ts` reads; users and databases stand in `sources` as their oids. */
export const LightRow = z.object({
  at: z.string(),
  startedAt: z.string(),
  /** Sessions in the lock manager itself, most of them checking for a deadlock. */
  inLockManager: count,
  counts: Counts,
  waits,
  sources: z.array(Source),
  sourcesTotal: count,
});
export type LightRow = z.infer<typeof LightRow>;

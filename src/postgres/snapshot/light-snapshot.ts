import type { DatabaseReading } from '../../runbook/snapshot/snapshot.ts';
import type { Limits } from '../../runbook/snapshot/target.ts';
import { waits } from './columns.ts';
import { LightRow } from './snapshot-row.ts';
import type { SnapshotRow } from './snapshot-row.ts';
import {
  counts,
  largestSources,
  microseconds,
  source,
  times,
  whole,
} from './snapshot-statement.ts';

/** The last full snapshot: what a light one cannot read, and the names of the oids it does read. */
export interface FullSnapshot {
  readonly reading: DatabaseReading;
  readonly roles: SnapshotRow['roles'];
  readonly databases: SnapshotRow['databases'];
}

/** Without its lists, which no light snapshot needs: of hundreds of targets they would be most of the bot's memory. */
export function toFullSnapshot(reading: DatabaseReading, row: SnapshotRow): FullSnapshot {
  return {
    reading: { ...reading, ...noLists },
    roles: row.roles,
    databases: row.databases,
  };
}

const noLists = {
  sources: [],
  connectionLimits: [],
  sessions: [],
  progress: [],
  locks: { waiters: [], waitersTotal: 0, askedTotal: 0 },
};

interface LightOptions {
  readonly limits: Limits;
  readonly last: FullSnapshot;
  /** Keep out when many are about to begin their checks, too; not only when they are at it. */
  readonly early: boolean;
}

/** Fewer slots cannot hold enough waiters for their checks to be felt. */
const leastConnections = 300;
/** So many at once in the lock manager are no chance: a calm server shows none. */
const leastInLockManager = 4;
/** So many waiters check for about as long as a snapshot takes, a few hundred more for seconds. */
const leastAboutToCheck = 200;

/** Whether the server can have so many waiters that they are worth a round trip of their own. */
export function needsLightSnapshot(last: FullSnapshot | undefined): last is FullSnapshot {
  return last !== undefined && last.reading.capacity.maxConnections >= leastConnections;
}

/**
 * One statement that takes no lock at all: `calm`, or while the lock manager is busy what `LightRow` describes.
 *
 * After deadlock_timeout every waiter checks for a deadlock, holding all partitions of the lock table alone; with
 * 1,000 waiters that takes half a minute. Meanwhile pg_locks hangs and so does every view over pg_database or
 * pg_authid, whose locks are never fast-path ones, in waits that no time-out of the server interrupts. The
 * function behind pg_stat_activity reads shared memory only.
 *
 * It goes ahead of the full snapshot in a message of its own: behind it in the same one, the full snapshot would be
 * analysed, and hang, unless an error stopped it, which would fill the server's log.
 */
export function lightStatement({ limits, last, early }: LightOptions): string {
  const superusers = last.roles.flatMap(([oid, , isSuper]) => (isSuper ? [whole(oid)] : []));
  const replication = last.roles.flatMap(([oid, , , isIt]) => (isIt ? [whole(oid)] : []));
  const role = last.roles.find(([, name]) => name === last.reading.visibility.role)?.[0] ?? 0;
  return `WITH g AS MATERIALIZED (SELECT ${times(limits)}),
s AS MATERIALIZED (
  SELECT a.pid, a.usesysid::text AS usename, a.datid::text AS datname, a.application_name AS app, host(a.client_addr) AS client,
         a.leader_pid, a.backend_type, a.state, a.backend_start, a.query_start, a.state_change, a.wait_event AS we,
         CASE WHEN a.wait_event = 'LockManager' THEN 'Lock' ELSE a.wait_event_type END AS wt,
         a.query, false AS building, a.query = '<insufficient privilege>' AND a.usesysid IS NOT NULL AS hidden,
         coalesce(a.backend_type = 'client backend', false) AS is_client,
         coalesce(a.usesysid = ANY ('{${superusers.join(',')}}'::oid[]), false) AS superuser,
         coalesce(a.usesysid = ANY ('{${replication.join(',')}}'::oid[]), false) AS replication,
         a.pid = pg_backend_pid() OR (a.application_name = 'dbconn' AND a.usesysid = ${whole(role)}) AS own
    FROM pg_stat_get_activity(NULL) a),
waiting AS MATERIALIZED (SELECT DISTINCT coalesce(leader_pid, pid) FROM s WHERE wt = 'Lock'),
${source},
busy AS MATERIALIZED (
  SELECT count(*) FILTER (WHERE we = 'LockManager') AS inside,
         count(*) FILTER (WHERE wt = 'Lock' AND ${aboutToCheck}) AS soon FROM s, g)
SELECT CASE WHEN inside >= ${leastInLockManager}${early ? ` OR soon >= ${leastAboutToCheck}` : ''} THEN json_build_object(
  'at', (SELECT ${microseconds('t')} FROM g), 'startedAt', ${microseconds('pg_postmaster_start_time()')}, 'inLockManager', inside,
  'counts', (SELECT row_to_json(c) FROM (${counts}) c),
  'waits', (SELECT coalesce(json_agg(x), '[]') FROM (${waits}) x), 'sources', ${largestSources},
  'sourcesTotal', (SELECT count(*) FROM source))::text ELSE '${calm}' END AS look FROM busy`;
}

const calm = 'calm';

/** Since when it waits only pg_locks tells, and that must not be asked; its statement began shortly before. */
const aboutToCheck = `s.query_start BETWEEN g.t - current_setting('deadlock_timeout')::interval - interval '2 s'
           AND g.t - current_setting('deadlock_timeout')::interval + interval '1 s'`;

/** What the light statement said, completed from the last full snapshot; none when it said that all is calm. */
export function toLightReading(text: string, last: FullSnapshot): DatabaseReading | undefined {
  if (text === calm) return undefined;
  const { inLockManager, ...row } = LightRow.parse(JSON.parse(text));
  // Another server, such as a promoted standby: what is remembered is not about it.
  if (row.startedAt !== last.reading.startedAt) return undefined;
  const users = new Map(last.roles.map(([oid, name]) => [`${oid}`, name]));
  const databases = new Map(last.databases.map(([oid, name]) => [`${oid}`, name]));
  return {
    ...last.reading,
    ...noLists,
    ...row,
    sources: row.sources.map(({ user, database, ...rest }) => ({
      ...rest,
      user: nameOf(user, users),
      database: nameOf(database, databases),
    })),
    sessionsTruncated: true,
    locks: { waiters: [], waitersTotal: row.counts.lockWaiting, askedTotal: 0 },
    lockManagerBusy: { sessions: inLockManager },
  };
}

/** Who came after the last full snapshot has only a number so far. */
function nameOf(oid: string | null, names: ReadonlyMap<string, string>): string | null {
  return oid === null || oid === '0' ? null : (names.get(oid) ?? `oid ${oid}`);
}

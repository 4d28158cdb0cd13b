import { z } from 'zod';
import type { LockReading } from '../runbook/snapshot/snapshot.ts';
import { readLocks } from './fill-queue.ts';
import { lockColumns } from './lock-columns.ts';
import { SnapshotRow } from './snapshot/snapshot-row.ts';
import type { Queryable } from './queryable.ts';

const Version = z.object({ server_version_num: z.coerce.number().int() });
const WaitsRow = z.object({
  waits: SnapshotRow.pick({
    waiters: true,
    waitersTotal: true,
    targets: true,
    snapshotWaits: true,
    preparedHolds: true,
  }),
});

/** Who waits for whom: the locks' part of a look, alone. */
export async function readWaits(client: Queryable): Promise<LockReading> {
  const version = await client.query('SHOW server_version_num', []);
  const { server_version_num: number } = Version.parse(version.rows[0]);
  const { rows } = await client.query(waitsStatement(number), []);
  return readLocks(WaitsRow.parse(rows[0]).waits);
}

/** `since` is the wait's start, and where PostgreSQL (13) does not tell that, the statement's. */
function waitsStatement(version: number): string {
  const seconds = (since: string): string =>
    `greatest(0, round(extract(epoch FROM g.t - ${since})::numeric, 3))`;
  return /* sql */ `
WITH g AS MATERIALIZED (
  SELECT clock_timestamp() AS t, (SELECT oid FROM pg_database WHERE datname = current_database()) AS db),
s AS MATERIALIZED (
  SELECT a.pid, a.wait_event_type AS wt, a.wait_event AS we, a.query_start, a.backend_type, a.leader_pid, a.backend_xmin,
         a.query = '<insufficient privilege>' AND a.usesysid IS NOT NULL AS hidden FROM pg_stat_activity a),
${lockColumns(version).join(',\n')}
SELECT json_build_object(
  'waiters', (SELECT coalesce(json_agg(json_build_array(w.pid, w.target, w.mode, ${seconds('w.since')}, a.total, a.pids)
                ORDER BY w.place), '[]') FROM g, waiter w LEFT JOIN asked a ON a.pid = w.pid),
  'waitersTotal', (SELECT count(*) FROM waiting),
  'targets', (SELECT coalesce(json_agg(json_build_array(x.target, x.locktype, x.relation)), '[]') FROM lock_target x),
  'snapshotWaits', (SELECT coalesce(json_agg(json_build_array(x.pid, x.we, ${seconds('x.query_start')},
                      cardinality(x.pids), x.pids[1:50])), '[]') FROM snapshot_wait x, g),
  'preparedHolds', (SELECT coalesce(json_agg(json_build_array(x.target, x.mode, x.gid)), '[]') FROM prepared_hold x)
) AS waits`;
}

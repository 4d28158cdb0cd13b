import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { conflicts } from '../../src/postgres/snapshot/to-reading.ts';
import { Sessions } from '../support/sessions.ts';

const modes = [
  ['ACCESS SHARE', 'AccessShareLock'],
  ['ROW SHARE', 'RowShareLock'],
  ['ROW EXCLUSIVE', 'RowExclusiveLock'],
  ['SHARE UPDATE EXCLUSIVE', 'ShareUpdateExclusiveLock'],
  ['SHARE', 'ShareLock'],
  ['SHARE ROW EXCLUSIVE', 'ShareRowExclusiveLock'],
  ['EXCLUSIVE', 'ExclusiveLock'],
  ['ACCESS EXCLUSIVE', 'AccessExclusiveLock'],
] as const;

let cluster: Cluster;
let sessions: Sessions;

beforeAll(async () => {
  cluster = await startCluster();
  sessions = new Sessions(cluster);
  await sessions.ask('CREATE TABLE work (id int)');
});

afterAll(async () => {
  await sessions.close();
  await cluster.close();
});

test.for(modes)('the server lets nobody past %s that we say has to wait', async ([sql, mode]) => {
  const [holder, other] = [await sessions.open(), await sessions.open()];
  await holder.run('BEGIN', `LOCK work IN ${sql} MODE`);
  for (const [wantedSql, wanted] of modes) {
    await other.run('BEGIN');
    const isRefused = await other.run(`LOCK work IN ${wantedSql} MODE NOWAIT`).then(
      () => false,
      () => true,
    );
    await other.run('ROLLBACK');
    expect([wanted, conflicts(wanted, mode)]).toEqual([wanted, isRefused]);
  }
  await sessions.endAll();
});

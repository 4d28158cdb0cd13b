import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../support/breadth.ts';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { systemClock } from '../../src/timing.ts';
import { connect } from '../../src/postgres/connect/connection.ts';
import { SnapshotReader } from '../../src/postgres/snapshot/snapshot-reader.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import { Sessions } from '../support/sessions.ts';
import { patienceMs } from '../support/until.ts';

const timeoutMs = 10_000;

describe.for(majors)('PostgreSQL %i', (major) => {
  let cluster: Cluster;
  let scene: Sessions;

  beforeAll(async () => {
    cluster = await startCluster({ major, settings: { max_connections: 30 } });
    scene = new Sessions(cluster);
  });
  afterAll(async () => {
    await scene.close();
    await cluster.close();
  });

  function newReader(): SnapshotReader {
    return new SnapshotReader({ providerReserved: 0, limits: defaultLimits, clock: systemClock });
  }

  test('a planned look sees what came after it was planned, a relation and a grant too', async () => {
    await scene.ask('CREATE ROLE late LOGIN');
    const connection = await connect(cluster.url('late'), timeoutMs);
    const reader = newReader();
    const before = await reader.snapshotOnWarm(connection, timeoutMs);
    expect(before.visibility.monitor).toBe(false);
    await scene.ask('GRANT pg_monitor TO late');
    await scene.ask('CREATE TABLE fresh (i int)');
    const [holder, waiter] = [await scene.open(), await scene.open()];
    await holder.run('BEGIN', 'LOCK fresh');
    waiter.begin('SELECT * FROM fresh');
    await expect
      .poll(async () => (await reader.snapshotOnWarm(connection, timeoutMs)).locks.waiters, {
        timeout: patienceMs,
      })
      .toMatchObject([{ pid: waiter.pid, waitsFor: [holder.pid] }]);
    const after = await reader.snapshotOnWarm(connection, timeoutMs);
    expect(after.visibility.monitor).toBe(true);
    expect(after.counts.hidden).toBe(0);
    await connection.close();
    await scene.endAll();
    expect(await cluster.log()).not.toContain('prepared statement');
  });

  test('a session that lost its plan, as behind a pooler, is asked without one from then on', async () => {
    const connection = await connect(cluster.url(), timeoutMs);
    const reader = newReader();
    await reader.snapshotOnWarm(connection, timeoutMs);
    await connection.readOne(`DEALLOCATE ALL; SELECT 'done'`, timeoutMs);
    for (let look = 0; look < 3; look += 1) {
      const { counts } = await reader.snapshotOnWarm(connection, timeoutMs);
      expect(counts.own).toBe(1);
    }
    await connection.close();
    expect((await cluster.log()).match(/prepared statement "\w+" does not exist/g)).toHaveLength(1);
  });
});

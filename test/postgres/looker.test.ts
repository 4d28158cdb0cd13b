import { describe, expect, test } from 'vitest';
import { majors } from '../support/breadth.ts';
import { systemClock } from '../../src/timing.ts';
import { connect } from '../../src/postgres/connect/connection.ts';
import { SnapshotReader } from '../../src/postgres/snapshot/snapshot-reader.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import { patienceMs } from '../support/until.ts';
import { useServer } from '../support/server.ts';

const timeoutMs = 10_000;

describe.for(majors)('PostgreSQL %i', (major) => {
  const server = useServer({ major, settings: { max_connections: 30 } });

  function newReader(): SnapshotReader {
    return new SnapshotReader({ providerReserved: 0, limits: defaultLimits, clock: systemClock });
  }

  test('a planned look sees what came after it was planned, a relation and a grant too', async () => {
    await server.sessions.ask('CREATE ROLE late LOGIN');
    const connection = await connect(server.cluster.url('late'), timeoutMs);
    const reader = newReader();
    const before = await reader.snapshotOnWarm(connection, timeoutMs);
    expect(before.visibility.monitor).toBe(false);
    await server.sessions.ask('GRANT pg_monitor TO late');
    await server.sessions.ask('CREATE TABLE fresh (i int)');
    const [holder, waiter] = [await server.sessions.open(), await server.sessions.open()];
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
    await server.sessions.endAll();
    expect(await server.cluster.log()).not.toContain('prepared statement');
  });

  test('a session that lost its plan, as behind a pooler, is asked without one from then on', async () => {
    const connection = await connect(server.cluster.url(), timeoutMs);
    const reader = newReader();
    await reader.snapshotOnWarm(connection, timeoutMs);
    await connection.readOne(`DEALLOCATE ALL; SELECT 'done'`, timeoutMs);
    for (let look = 0; look < 3; look += 1) {
      const { counts } = await reader.snapshotOnWarm(connection, timeoutMs);
      expect(counts.own).toBe(1);
    }
    await connection.close();
    expect(
      (await server.cluster.log()).match(/prepared statement "\w+" does not exist/g),
    ).toHaveLength(1);
  });
});

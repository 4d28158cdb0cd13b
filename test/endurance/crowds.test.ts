import { afterEach, expect, test } from 'vitest';
import { holdCrowd } from '../../bench/held.ts';
import type { HeldCrowd } from '../../bench/held.ts';
import { startCluster } from '../../sandbox/patient/cluster.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { connect } from '../../src/postgres/connect/connection.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import { snapshotStatement } from '../../src/postgres/snapshot/snapshot-statement.ts';
import { analyseLocks } from '../../src/runbook/diagnose/locks.ts';
import type { DatabaseReading } from '../../src/runbook/snapshot/snapshot.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import { databaseOptions } from '../support/database-options.ts';
import { Sessions } from '../support/sessions.ts';
import type { SessionOptions } from '../support/sessions.ts';
import { until } from '../support/until.ts';

const largestBytes = 320 * 1024;

let cluster: Cluster | undefined;
let crowd: HeldCrowd | undefined;

afterEach(async () => {
  await crowd?.release();
  await cluster?.close();
  crowd = undefined;
  cluster = undefined;
});

async function start(maxConnections: number): Promise<Cluster> {
  cluster = await startCluster({
    settings: {
      max_connections: maxConnections,
      superuser_reserved_connections: 3,
      shared_buffers: '16MB',
      autovacuum: 'off',
      deadlock_timeout: '10min',
    },
  });
  return cluster;
}

async function bytesOfLook(url: string): Promise<number> {
  const connection = await connect(url, 10_000);
  const sql = snapshotStatement({
    version: connection.version,
    limits: defaultLimits,
    providerReserved: 0,
  });
  const json = await connection.readOne(sql, 10_000);
  await connection.close();
  return Buffer.byteLength(json);
}

/** The second look of a warm connection: the first pays for connecting. */
async function look(url: string): Promise<DatabaseReading> {
  const database = createDatabase(databaseOptions(url));
  await database.readSnapshot();
  const { reach, reading } = await database.readSnapshot();
  await database.close();
  expect(reach.via).toBe('warm');
  if (reading === undefined) throw new Error(JSON.stringify(reach));
  return reading;
}

test('1,000 waiters on one row are all there, in less than 320 kB', async () => {
  const { url } = await start(1100).then((started) => ({ url: started.url() }));
  crowd = await holdCrowd(url, 0, 1000);
  const { locks } = await look(url);
  expect(locks.waiters).toHaveLength(1000);
  expect(locks.waitersTotal).toBe(1000);
  expect(locks.askedTotal).toBeLessThanOrEqual(264);
  // The n-th in the queue waits for the n - 1 ahead of it, the very first for who holds the row. Some came in the
  // same moment, and PostgreSQL does not tell in which order.
  const behind = locks.waiters.map(({ waitsForTotal }) => waitsForTotal).toSorted((x, y) => x - y);
  const misplaced = behind.filter((total, index) => Math.abs(total - Math.max(1, index)) > 3);
  expect(misplaced).toEqual([]);
  expect(locks.waiters.every(({ waitsFor }) => waitsFor.length <= 50)).toBe(true);
  const { roots, cycles } = analyseLocks(locks).blocking;
  expect(roots.map(({ victims }) => victims)).toEqual([1000]);
  expect(cycles).toEqual([]);
  expect(await bytesOfLook(url)).toBeLessThan(largestBytes);
});

test('1,000 waiters whose names and texts are as long and awkward as can be stay below 320 kB', async () => {
  const started = await start(1300);
  const sessions = new Sessions(started);
  await sessions.ask('CREATE TABLE hot (id int PRIMARY KEY, n int)');
  await sessions.ask('INSERT INTO hot VALUES (1, 0)');
  const awkward = `-- ${'"\\\t'.repeat(400)}`;
  const named = (n: number): SessionOptions => ({ application: `${n} ${'"'.repeat(58)}` });
  for (let n = 0; n < 40; n += 1) {
    await (await sessions.open(named(n))).run('BEGIN', `SELECT 1 ${awkward}`);
    await (await sessions.open(named(n))).run(`SELECT 1 ${awkward}`);
    if (n < 20) (await sessions.open(named(n))).begin(`SELECT pg_sleep(600) ${awkward}`);
  }
  for (let n = 0; n < 60; n += 1) {
    const holder = await sessions.open(named(n));
    await holder.run('BEGIN', `SELECT pg_advisory_xact_lock_shared(7) ${awkward}`);
    if (n === 0) await holder.run(`UPDATE hot SET n = 1 WHERE id = 1 ${awkward}`);
  }
  for (let n = 0; n < 40; n += 1) {
    (await sessions.open(named(n))).begin(`SELECT pg_advisory_xact_lock(7) ${awkward}`);
  }
  for (const session of await sessions.openMany(960, named(99))) {
    session.begin(`UPDATE hot SET n = 2 WHERE id = 1 ${awkward}`);
  }
  await until('all of them wait', async () => {
    return (await sessions.ask('SELECT FROM pg_locks WHERE NOT granted')).length === 1000;
  });
  const { locks, sessions: shown } = await look(started.url());
  expect(locks.waiters).toHaveLength(1000);
  expect(shown.length).toBeGreaterThan(100);
  const bytes = await bytesOfLook(started.url());
  await sessions.close();
  expect(bytes).toBeLessThan(largestBytes);
});

test('5,000 sessions are counted in less than 320 kB', async () => {
  const { url } = await start(5010).then((started) => ({ url: started.url() }));
  crowd = await holdCrowd(url, 5000, 0);
  const { counts, sources, sessions, sessionsTruncated } = await look(url);
  expect(counts.clients).toBe(5001);
  expect(counts.idle).toBe(5000);
  expect(sources[0]).toMatchObject({ application: 'crowd', total: 5000 });
  expect(sessions.length).toBeLessThanOrEqual(120);
  expect(sessionsTruncated).toBe(true);
  expect(await bytesOfLook(url)).toBeLessThan(largestBytes);
});

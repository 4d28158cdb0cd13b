import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../support/breadth.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import type { Database } from '../../src/runbook/snapshot/ports.ts';
import type { DatabaseReading, WaiterReading } from '../../src/runbook/snapshot/snapshot.ts';
import { databaseOptions } from '../support/database-options.ts';
import type { Session } from '../support/sessions.ts';
import { until } from '../support/until.ts';
import { useServer } from '../support/server.ts';

const update = (id: number): string => `UPDATE work SET n = n + 1 WHERE id = ${id}`;

describe.for(majors)('PostgreSQL %i', (major) => {
  const server = useServer(
    {
      major,
      settings: {
        max_connections: 380,
        max_prepared_transactions: 5,
        // A deadlock stays for as long as the test looks at it.
        deadlock_timeout: '10min',
        autovacuum: 'off',
      },
    },
    [
      'CREATE TABLE work (id int PRIMARY KEY, n int)',
      'INSERT INTO work SELECT i, 0 FROM generate_series(1, 20) i',
      'CREATE TABLE elsewhere (id int)',
      'CREATE ROLE dbconn LOGIN',
      'GRANT pg_monitor TO dbconn',
      'CREATE ROLE spare',
      'CREATE DATABASE other',
    ],
  );
  let database: Database;
  beforeAll(() => {
    database = createDatabase(databaseOptions(server.cluster.url('dbconn')));
  });
  afterEach(async () => {
    for (const { gid } of await server.sessions.ask<{ gid: string }>(
      'SELECT gid FROM pg_prepared_xacts',
    ))
      await server.sessions.ask(`ROLLBACK PREPARED '${gid}'`);
    await server.sessions.endAll();
  });

  afterAll(() => database.close());

  /** Waits until so many sessions hang on a lock or a snapshot. */
  async function untilWaiting(count: number): Promise<void> {
    await until(`${count} waiters`, async () => {
      const waiting = await server.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' OR wait_event = 'SafeSnapshot'`,
      );
      return waiting.length === count;
    });
  }

  /** Sends a statement and waits until it is the newest of so many waiters. */
  async function waits(statement: string, nth: number, given?: Session): Promise<Session> {
    const session = given ?? (await server.sessions.open());
    session.begin(statement);
    await untilWaiting(nth);
    return session;
  }

  async function holds(...statements: readonly string[]): Promise<Session> {
    const session = await server.sessions.open();
    await session.run('BEGIN', ...statements);
    return session;
  }

  async function look(): Promise<DatabaseReading> {
    const { reading, reach } = await database.readSnapshot();
    if (reading === undefined) throw new Error(JSON.stringify(reach));
    return reading;
  }

  /** The scene stands still, so what the server says after the look is what it would have said during it. */
  async function truth(): Promise<Record<number, number[]>> {
    const rows = await server.sessions.ask<{ pid: number; pids: number[] }>(
      `SELECT pid, ARRAY(SELECT DISTINCT u FROM unnest(pg_blocking_pids(pid) || pg_safe_snapshot_blocking_pids(pid)) u) AS pids
         FROM pg_stat_activity WHERE wait_event_type = 'Lock' OR wait_event = 'SafeSnapshot'`,
    );
    return Object.fromEntries(rows.map(({ pid, pids }) => [pid, sorted(pids)]));
  }

  /** Who waits for whom: as the look says it, after the server agreed. */
  async function waitsFor(): Promise<{
    edges: Record<number, number[]>;
    reading: DatabaseReading;
  }> {
    const reading = await look();
    const edges = toEdges(reading.locks.waiters);
    expect(edges).toEqual(await truth());
    expect(reading.locks.waitersTotal).toBe(Object.keys(edges).length);
    return { edges, reading };
  }

  test('an updater waits for who holds the row', async () => {
    const holder = await holds(update(1));
    const waiter = await waits(update(1), 1);
    const { edges, reading } = await waitsFor();
    expect(edges).toEqual({ [waiter.pid]: [holder.pid] });
    expect(reading.locks.waiters[0]?.lock).toBe('transactionid ShareLock');
    expect(reading.counts.lockWaiting).toBe(1);
  });

  test('a second updater of the row waits for the first, who stands at its head', async () => {
    const holder = await holds(update(1));
    const first = await waits(update(1), 1);
    const second = await waits(update(1), 2);
    const { edges } = await waitsFor();
    expect(edges).toEqual({ [first.pid]: [holder.pid], [second.pid]: [first.pid] });
  });

  test('a reader behind queued DDL waits for the DDL, and the DDL for its holder', async () => {
    const holder = await holds('SELECT * FROM work');
    const ddl = await waits('ALTER TABLE work ADD COLUMN IF NOT EXISTS extra int', 1);
    const readers = [await waits('SELECT * FROM work', 2), await waits('SELECT * FROM work', 3)];
    const { edges, reading } = await waitsFor();
    expect(edges).toEqual({
      [ddl.pid]: [holder.pid],
      ...Object.fromEntries(readers.map(({ pid }) => [pid, [ddl.pid]])),
    });
    expect(reading.locks.waiters.map(({ relation }) => relation)).toEqual(
      Array.from({ length: 3 }, () => 'public.work'),
    );
    expect(reading.locks.waiters[0]?.lock).toBe('relation AccessExclusiveLock');
    // Whoever blocks and does not wait is the first to be shown.
    const shown = reading.sessions.map(({ pid }) => pid);
    expect(shown.slice(0, 2)).toEqual([holder.pid, ddl.pid]);
  });

  test('an index build waits for the writer and not for innocent readers', async () => {
    const writer = await holds(update(1));
    await holds('SELECT * FROM work');
    await holds('SELECT * FROM work');
    const builder = await waits('CREATE INDEX ON work (n)', 1);
    expect((await waitsFor()).edges).toEqual({ [builder.pid]: [writer.pid] });
  });

  test('an advisory lock is held by its holder and not by the holder of another number', async () => {
    const holder = await holds('SELECT pg_advisory_xact_lock(42)');
    await holds('SELECT pg_advisory_xact_lock(99)');
    const waiter = await waits('SELECT pg_advisory_xact_lock(42)', 1);
    expect((await waitsFor()).edges).toEqual({ [waiter.pid]: [holder.pid] });
  });

  test('a concurrent index build waits for an old snapshot, and never for dbconn', async () => {
    const old = await server.sessions.open();
    await old.run('BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT * FROM elsewhere');
    const builder = await waits('CREATE INDEX CONCURRENTLY ON work (n)', 1);
    const { edges, reading } = await waitsFor();
    expect(edges).toEqual({ [builder.pid]: [old.pid] });
    expect(reading.locks.waiters[0]?.lock).toBe('virtualxid ShareLock');
  });

  test('two unrelated conflicts do not accuse each other', async () => {
    const [one, two] = [await holds(update(1)), await holds(update(2))];
    const [first, second] = [await waits(update(1), 1), await waits(update(2), 2)];
    expect((await waitsFor()).edges).toEqual({ [first.pid]: [one.pid], [second.pid]: [two.pid] });
  });

  test('who drops a schema waits for who makes something in it', async () => {
    await server.sessions.ask('CREATE SCHEMA IF NOT EXISTS store');
    const holder = await holds('CREATE TABLE store.shelf (id int)');
    const waiter = await waits('DROP SCHEMA store CASCADE', 1);
    const { edges, reading } = await waitsFor();
    expect(edges).toEqual({ [waiter.pid]: [holder.pid] });
    expect(reading.locks.waiters[0]?.lock).toBe('object AccessExclusiveLock');
  });

  test('a prepared transaction that holds the row is 0, with its gid', async () => {
    const preparer = await holds(update(1));
    await preparer.run("PREPARE TRANSACTION 'order-17'");
    const another = await holds(update(2));
    await another.run("PREPARE TRANSACTION 'bystander'");
    const waiter = await waits(update(1), 1);
    const { edges, reading } = await waitsFor();
    expect(edges).toEqual({ [waiter.pid]: [0] });
    expect(reading.locks.waiters[0]?.prepared).toEqual(['order-17']);
    expect(reading.prepared.map(({ gid }) => gid)).toEqual(['order-17', 'bystander']);
    expect(reading.preparedTotal).toBe(2);
  });

  test('DDL behind a prepared transaction waits for it, and its readers for the DDL', async () => {
    const preparer = await holds(update(1));
    await preparer.run("PREPARE TRANSACTION 'order-17'");
    const ddl = await waits('ALTER TABLE work ADD COLUMN IF NOT EXISTS extra int', 1);
    const reader = await waits('SELECT * FROM work', 2);
    const { edges, reading } = await waitsFor();
    expect(edges).toEqual({ [ddl.pid]: [0], [reader.pid]: [ddl.pid] });
    expect(byPid(reading, ddl.pid)?.prepared).toEqual(['order-17']);
    expect(byPid(reading, reader.pid)?.prepared).toEqual([]);
  });

  test('who waits for a safe snapshot waits for the serializable writer', async () => {
    const writer = await server.sessions.open();
    await writer.run('BEGIN ISOLATION LEVEL SERIALIZABLE', 'SELECT * FROM elsewhere');
    const waiter = await server.sessions.open();
    await waiter.run('BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE');
    await waits('SELECT * FROM elsewhere', 1, waiter);
    const { edges, reading } = await waitsFor();
    expect(edges).toEqual({ [waiter.pid]: [writer.pid] });
    expect(reading.locks.waiters[0]?.lock).toBe('SafeSnapshot');
  });

  test('in a deadlock that nobody has broken yet both wait for each other', async () => {
    const [one, two] = [await holds(update(1)), await holds(update(2))];
    await waits(update(2), 1, one);
    await waits(update(1), 2, two);
    expect((await waitsFor()).edges).toEqual({ [one.pid]: [two.pid], [two.pid]: [one.pid] });
  });

  test('a session of another database that holds a shared object is the blocker', async () => {
    const holder = await server.sessions.open({ database: 'other' });
    await holder.run('BEGIN', "COMMENT ON ROLE spare IS 'one'");
    const waiter = await waits("COMMENT ON ROLE spare IS 'two'", 1);
    expect((await waitsFor()).edges).toEqual({ [waiter.pid]: [holder.pid] });
  });

  test('all kinds at once are told apart', async () => {
    const [row, reader, advisory] = [
      await holds(update(1)),
      await holds('SELECT * FROM elsewhere'),
      await holds('SELECT pg_advisory_xact_lock(42)'),
    ];
    const first = await waits(update(1), 1);
    const second = await waits(update(1), 2);
    const ddl = await waits('TRUNCATE elsewhere', 3);
    const behind = await waits('SELECT * FROM elsewhere', 4);
    const locked = await waits('SELECT pg_advisory_xact_lock(42)', 5);
    expect((await waitsFor()).edges).toEqual({
      [first.pid]: [row.pid],
      [second.pid]: [first.pid],
      [ddl.pid]: [reader.pid],
      [behind.pid]: [ddl.pid],
      [locked.pid]: [advisory.pid],
    });
  });

  test('a waiter that waits for a relation of another database has no relation name', async () => {
    const there = await server.sessions.open({ database: 'other' });
    await there.run('CREATE TABLE IF NOT EXISTS theirs (id int)', 'BEGIN', 'SELECT * FROM theirs');
    const waiter = await server.sessions.open({ database: 'other' });
    await waits('TRUNCATE theirs', 1, waiter);
    const { edges, reading } = await waitsFor();
    expect(edges).toEqual({ [waiter.pid]: [there.pid] });
    expect(reading.locks.waiters[0]?.relation).toBeNull();
  });

  if (major !== 18) return;

  test('300 waiters on one row are complete, and right beyond those the server was asked about', async () => {
    const holder = await holds(update(1));
    const crowd = await server.sessions.openMany(300);
    for (const session of crowd.slice(0, 250)) session.begin(update(1));
    await untilWaiting(250);
    // One by one: PostgreSQL notes since when somebody waits a moment after it queued them, so that the order of
    // two who came together cannot be told.
    for (const [index, session] of crowd.slice(250).entries()) {
      session.begin(update(1));
      await untilWaiting(251 + index);
    }
    const reading = await look();
    const asked = await truth();
    expect(reading.locks.waiters).toHaveLength(300);
    expect(reading.locks.askedTotal).toBeLessThan(300);
    for (const waiter of reading.locks.waiters) {
      const true_ = asked[waiter.pid] ?? [];
      expect(waiter.waitsForTotal).toBe(true_.length);
      expect(waiter.waitsFor).toHaveLength(Math.min(50, true_.length));
      expect(waiter.waitsFor.filter((pid) => !true_.includes(pid))).toEqual([]);
    }
    expect(reading.sessions.some(({ pid }) => pid === holder.pid)).toBe(true);
  });

  test('readers behind DDL deep in a long queue wait for the DDL', async () => {
    const holder = await holds('LOCK work IN ACCESS EXCLUSIVE MODE');
    const crowd = await server.sessions.openMany(340);
    for (const session of crowd.slice(0, 290)) session.begin('SELECT * FROM work');
    await untilWaiting(290);
    const ddl = await waits('LOCK TABLE work IN ACCESS EXCLUSIVE MODE', 291, await holds());
    for (const session of crowd.slice(290)) session.begin('SELECT * FROM work');
    await untilWaiting(341);
    const reading = await look();
    const asked = await truth();
    expect(reading.locks.askedTotal).toBeLessThan(300);
    for (const { pid } of crowd) {
      expect(sorted(byPid(reading, pid)?.waitsFor ?? [])).toEqual(asked[pid]);
    }
    expect(asked[crowd[339]?.pid ?? 0]).toEqual(sorted([holder.pid, ddl.pid]));
  });
});

function sorted(pids: readonly number[]): number[] {
  return pids.toSorted((a, b) => a - b);
}

function toEdges(waiters: readonly WaiterReading[]): Record<number, number[]> {
  return Object.fromEntries(waiters.map(({ pid, waitsFor }) => [pid, sorted(waitsFor)]));
}

function byPid({ locks }: DatabaseReading, pid: number): WaiterReading | undefined {
  return locks.waiters.find((waiter) => waiter.pid === pid);
}

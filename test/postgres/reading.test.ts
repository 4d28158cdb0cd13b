import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../support/breadth.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import type { DatabaseOptions } from '../../src/postgres/lifeline.ts';
import type { Database } from '../../src/runbook/snapshot/ports.ts';
import type { DatabaseReading, SessionReading } from '../../src/runbook/snapshot/snapshot.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import { databaseOptions } from '../support/database-options.ts';
import { until } from '../support/until.ts';
import { useServer } from '../support/server.ts';

const secret = 'xyzzy-secret-41';

describe.for(majors)('PostgreSQL %i', (major) => {
  const server = useServer({
    major,
    settings: {
      max_connections: 30,
      superuser_reserved_connections: 2,
      ...(major >= 16 && { reserved_connections: 3 }),
      wal_level: 'logical',
      max_parallel_workers_per_gather: 2,
      max_worker_processes: 12,
      autovacuum: 'off',
    },
    commandLine: { work_mem: '8MB' },
  });
  const databases = new Set<Database>();

  beforeAll(async () => {
    for (const role of ['dbconn', 'app', 'owner SUPERUSER']) {
      await server.sessions.ask(`CREATE ROLE ${role} LOGIN`);
    }
    await server.sessions.ask('GRANT pg_monitor TO dbconn');
    await server.sessions.ask('ALTER ROLE app CONNECTION LIMIT 9');
    await server.sessions.ask('CREATE DATABASE shop CONNECTION LIMIT 7');
    await server.sessions.ask('CREATE TABLE big AS SELECT i FROM generate_series(1, 200000) i');
    await server.sessions.ask('GRANT ALL ON big TO app');
  });

  afterEach(async () => {
    await Promise.all([...databases].map((database) => database.close()));
    databases.clear();
    await until('no session of dbconn is left', async () => {
      return (await server.sessions.ownSessions()).length === 0;
    });
    await server.sessions.endAll();
  });

  function open(more: Partial<DatabaseOptions> = {}): Database {
    const database = createDatabase(databaseOptions(server.cluster.url('dbconn'), more));
    databases.add(database);
    return database;
  }

  async function look(more: Partial<DatabaseOptions> = {}): Promise<DatabaseReading> {
    const { reading, reach } = await open(more).readSnapshot();
    if (reading === undefined) throw new Error(JSON.stringify(reach));
    return reading;
  }

  async function sessionOf(pid: number): Promise<SessionReading> {
    const found = (await look()).sessions.find((session) => session.pid === pid);
    if (found === undefined) throw new Error('not shown');
    return found;
  }

  test('a managed server is told by its role', async () => {
    const database = open();
    expect((await database.readSnapshot()).reading?.managedBy).toBeUndefined();
    for (const [role, managedBy] of [
      ['rds_superuser', 'rds'],
      ['cloudsqlsuperuser', 'cloudsql'],
      ['azure_pg_admin', 'azure'],
    ] as const) {
      await server.sessions.ask(`CREATE ROLE ${role}`);
      expect((await database.readSnapshot()).reading?.managedBy).toBe(managedBy);
      await server.sessions.ask(`DROP ROLE ${role}`);
    }
  });

  test('client backends are counted by state, aborted transactions by themselves', async () => {
    await server.sessions.openMany(2, { user: 'app' });
    const active = await server.sessions.open({ user: 'app' });
    active.begin('SELECT pg_sleep(600)');
    const transaction = await server.sessions.open({ user: 'app' });
    await transaction.run('BEGIN', 'SELECT 1');
    const aborted = await server.sessions.open({ user: 'app' });
    await aborted.run('BEGIN');
    await expect(aborted.run('SELECT 1 / 0')).rejects.toThrow('division by zero');
    const owner = await server.sessions.open({ user: 'owner', database: 'shop' });
    const { counts, sources, sourcesTotal, connectionLimits } = await look();
    expect(counts).toMatchObject({
      clients: 8, // these six, ours, and the one that asks for the truth
      active: 2,
      idle: 4,
      idleInTransaction: 1,
      idleInTransactionAborted: 1,
      starting: 0,
      other: 0,
      own: 1,
      superuser: 2,
      hidden: 0,
      lockWaiting: 0,
      newIn60s: 8,
      walsenders: 0,
    });
    expect(counts.processes).toBeGreaterThan(counts.clients);
    expect(sources.find(({ user }) => user === 'app')).toMatchObject({
      application: 'backend',
      client: '127.0.0.1',
      database: 'postgres',
      total: 5,
      active: 1,
      idle: 2,
      idleInTransaction: 1,
      idleInTransactionAborted: 1,
    });
    expect(sourcesTotal).toBe(4);
    expect(connectionLimits).toEqual([
      { kind: 'role', name: 'app', limit: 9, used: 5 },
      { kind: 'database', name: 'shop', limit: 7, used: 1 },
    ]);
    expect((await sessionOf(owner.pid)).superuser).toBe(true);
  });

  test('walsenders and parallel workers take no slot of a client', async () => {
    const parallel = await server.sessions.open({ user: 'app' });
    await parallel.run(
      'SET parallel_setup_cost = 0',
      'SET parallel_tuple_cost = 0',
      'SET min_parallel_table_scan_size = 0',
    );
    parallel.begin('SELECT count(pg_sleep(0.01 + i * 0)) FROM big');
    const stream = await server.sessions.openReplication();
    const database = open();
    await until('both are there', async () => {
      const counts = (await database.readSnapshot()).reading?.counts;
      return counts?.walsenders === 1 && counts.parallelWorkers === 2;
    });
    const { reading } = await database.readSnapshot();
    // The one that asks in parallel, ours, and the one that asks for the truth.
    expect(reading?.counts).toMatchObject({ clients: 3, active: 2, walsenders: 1 });
    expect(reading?.sources.reduce((sum, { total }) => sum + total, 0)).toBe(3);
    await stream.end();
  });

  test('capacity knows every reserve, a provider’s too', async () => {
    const reserved = major >= 16 ? 3 : 0;
    expect((await look({ providerReserved: 4 })).capacity).toEqual({
      maxConnections: 30,
      superuserReserved: 2,
      reserved,
      providerReserved: 4,
    });
    const { settings, version, startedAt } = await look();
    expect(Math.floor(version / 10_000)).toBe(major);
    expect(startedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(settings).toContainEqual({
      name: 'work_mem',
      value: '8192',
      unit: 'kB',
      source: 'command line',
      pendingRestart: false,
    });
  });

  test('a setting that waits for a restart is marked', async () => {
    await server.sessions.ask('ALTER SYSTEM SET max_connections = 55');
    await server.sessions.ask('SELECT pg_reload_conf()');
    await until('the server has read it', async () => {
      const { settings } = await look();
      return settings.some(
        ({ name, pendingRestart }) => name === 'max_connections' && pendingRestart,
      );
    });
    await server.sessions.ask('ALTER SYSTEM RESET max_connections');
    await server.sessions.ask('SELECT pg_reload_conf()');
    expect((await look()).capacity.maxConnections).toBe(30);
  });

  test('the times that identify a session are exact to the microsecond', async () => {
    const exact = await server.sessions.open({ user: 'app', application: 'exact' });
    const { pid } = exact;
    await exact.run('BEGIN', 'SELECT 1');
    const seen = await sessionOf(pid);
    const rows = await server.sessions.ask<{ same: boolean }>(
      `SELECT backend_start = $2::timestamptz AND state_change = $3::timestamptz AND xact_start = $4::timestamptz AS same
         FROM pg_stat_activity WHERE pid = $1`,
      [pid, seen.startedAt, seen.stateChangedAt, seen.transactionStartedAt],
    );
    expect(rows).toEqual([{ same: true }]);
    expect(seen).toMatchObject({ application: 'exact', state: 'idle in transaction', own: false });
    expect(seen.hasWritten).toBe(false);
    expect(seen.canSignal).toBe(false);
  });

  test('thresholds are those of the target', async () => {
    const idle = await server.sessions.open({ user: 'app' });
    const transaction = await server.sessions.open({ user: 'app' });
    await transaction.run('BEGIN', 'SELECT 1');
    const slow = await server.sessions.open({ user: 'app' });
    slow.begin('SELECT pg_sleep(600)');
    const limits = {
      ...defaultLimits,
      idleInTransactionWarningMs: 1,
      terminateIdleInTransactionMs: 1,
      terminateIdleMs: 1,
      slowQueryMs: 1,
    };
    await until('they are older than a millisecond', async () => {
      const { counts } = await look({ limits });
      return (
        counts.slowQueries === 1 &&
        counts.idleInTransactionOverWarning === 1 &&
        counts.idleInTransactionOverTerminate === 1 &&
        counts.idleOverTerminate >= 1
      );
    });
    const { counts } = await look();
    expect(counts).toMatchObject({
      slowQueries: 0,
      idleInTransactionOverWarning: 0,
      idleInTransactionOverTerminate: 0,
      idleOverTerminate: 0,
    });
    expect(idle.pid).toBeGreaterThan(0);
  });

  test('no literal and no comment of anybody’s SQL is in the look', async () => {
    const texts = [
      `SELECT '${secret}'`,
      `SELECT 1 /* ${secret} */`,
      `SELECT $tag$${secret}$tag$`,
      `SELECT E'${secret}\\n', U&'${secret}'`,
      `SELECT '${'x'.repeat(900)}${secret}'`,
      `SELECT '${secret}${'y'.repeat(2000)}'`,
      `SELECT '${'é\u0001'.repeat(500)}${secret}'`,
    ];
    const open = await server.sessions.openMany(texts.length, { user: 'app' });
    for (const [index, session] of open.entries()) await session.run('BEGIN', texts[index] ?? '');
    const { sessions: shown } = await look();
    const lingering = shown.filter(({ state }) => state === 'idle in transaction');
    expect(lingering).toHaveLength(texts.length);
    expect(lingering.every(({ query }) => query?.startsWith('SELECT') === true)).toBe(true);
    expect(JSON.stringify(shown)).not.toMatch(/xyzzy|xxxx|yyyy/);
  });

  test('a statement has one fingerprint whatever its literals, and another statement another', async () => {
    const texts = [
      "SELECT i FROM big WHERE i = 1 AND 'a' <> 'b'",
      "SELECT  i FROM big WHERE i = 22 AND 'cc' <> 'd'",
      'SELECT i FROM big WHERE i > 1',
      'select i from big where i IN (1, 2, 3)',
      'SELECT i FROM big WHERE i in (4,5);',
    ];
    const open = await server.sessions.openMany(texts.length, { user: 'app' });
    for (const [index, session] of open.entries()) await session.run('BEGIN', texts[index] ?? '');
    const { sessions: shown } = await look();
    const prints = open.map(
      ({ pid }) => shown.find((session) => session.pid === pid)?.fingerprint ?? 'none',
    );
    expect(prints[0]).toBe(prints[1]);
    expect(prints[3]).toBe(prints[4]);
    expect(new Set(prints).size).toBe(3);
    expect(prints).not.toContain('none');
  });

  test('the look cannot write, and ends within its time on the server as well', async () => {
    const { reading } = await open().readSnapshot();
    expect(reading).toBeDefined();
    const rows = await server.sessions.ask<{ query: string; state: string }>(
      "SELECT query, state FROM pg_stat_activity WHERE application_name = 'dbconn'",
    );
    expect(rows[0]?.state).toBe('idle');
    expect(rows[0]?.query).toMatch(
      /^BEGIN READ ONLY;\n(SET LOCAL [^;]+;\n)*SET LOCAL statement_timeout = 3000;/,
    );
  });
});

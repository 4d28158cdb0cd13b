import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startCluster } from '../../sandbox/patient/cluster.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import type { DatabaseOptions } from '../../src/postgres/lifeline.ts';
import type { Database } from '../../src/runbook/ports.ts';
import type { DatabaseLook } from '../../src/runbook/diagnose/snapshot.ts';
import { databaseOptions } from '../support/database-options.ts';
import { Sessions } from '../support/sessions.ts';
import { until } from '../support/until.ts';

const password = 'hunter2-hunter2';

let cluster: Cluster;
let sessions: Sessions;
const databases = new Set<Database>();
const others = new Set<Cluster>();

beforeAll(async () => {
  cluster = await startCluster({
    settings: { max_connections: 20 },
    hba: ['host all secured 127.0.0.1/32 scram-sha-256', 'host all barred 127.0.0.1/32 reject'],
  });
  sessions = new Sessions(cluster);
  for (const role of ['dbconn', 'app', 'secured', 'barred', '"who is ""this"""']) {
    await sessions.ask(`CREATE ROLE ${role} LOGIN`);
  }
  await sessions.ask('GRANT pg_monitor TO dbconn');
  await sessions.ask(`ALTER ROLE secured PASSWORD 'another'`);
});

afterEach(async () => {
  await cluster.thaw();
  await Promise.all([...databases].map((database) => database.close()));
  databases.clear();
  await until('no session of dbconn is left', async () => {
    return (await sessions.ownSessions()).length === 0;
  });
  await sessions.endAll();
  await Promise.all([...others].map((other) => other.close()));
  others.clear();
});

/** A server of one test's own; closed after it, failed or not. */
async function startAnother(): Promise<Cluster> {
  const other = await startCluster();
  others.add(other);
  return other;
}

afterAll(async () => {
  await sessions.close();
  await cluster.close();
});

function open(url: string, more: Partial<DatabaseOptions> = {}): Database {
  const database = createDatabase(databaseOptions(url, more));
  databases.add(database);
  return database;
}

/** Every answer comes within 5 s and gives no secret away. */
async function look(database: Database): Promise<DatabaseLook> {
  const began = performance.now();
  const answer = await database.readLook();
  expect(performance.now() - began).toBeLessThan(5000);
  expect(JSON.stringify(answer.reach)).not.toMatch(/hunter2|127\.0\.0\.1|postgres:\/\//);
  return answer;
}

async function warmOne(url = cluster.url('dbconn')): Promise<Database> {
  const database = open(url);
  expect((await look(database)).reach.via).toBe('connection');
  return database;
}

describe('a frozen server', () => {
  test('that is stopped as a whole gives no reading and says that it hangs', async () => {
    const database = await warmOne();
    await cluster.freeze();
    const { reach, reading } = await look(database);
    expect(reading).toBeUndefined();
    expect(reach).toMatchObject({ via: 'none', error: { kind: 'frozen' } });
    expect(reach.error?.detail).toBeUndefined();
    expect(reach.rungs.map(({ rung }) => rung)).toEqual(['warm', 'connection']);
  });

  test('is not climbed: a superuser would hang as well', async () => {
    await cluster.freeze();
    const { reach } = await look(open(cluster.url('dbconn'), { rescueUrl: cluster.url() }));
    expect(reach).toMatchObject({ via: 'none', error: { kind: 'frozen' } });
    expect(reach.rungs.map(({ rung }) => rung)).toEqual(['connection']);
  });

  test('whose postmaster alone is stopped still answers on the warm connection', async () => {
    const database = await warmOne();
    await cluster.freeze('postmaster');
    const { reach, reading } = await look(database);
    expect(reach).toEqual({ via: 'warm', rungs: [{ rung: 'warm', outcome: 'answered' }] });
    expect(reading?.counts.own).toBe(1);
  });

  test('whose one process that serves dbconn is stopped answers a new connection, and that one stays', async () => {
    const database = await warmOne();
    const [stuck] = await sessions.ownSessions();
    await cluster.freeze(stuck?.pid ?? 0);
    const { reach, reading } = await look(database);
    expect(reach).toMatchObject({
      via: 'connection',
      error: { kind: 'frozen', detail: 'backend' },
    });
    expect(reading).toBeDefined();
    expect((await look(database)).reach.via).toBe('warm');
    await cluster.thaw();
    await until('the stuck one has noticed', async () => {
      return (await sessions.ownSessions()).length === 1;
    });
  });

  test('answers again after it thawed', async () => {
    const database = await warmOne();
    await cluster.freeze();
    expect((await look(database)).reach.via).toBe('none');
    await cluster.thaw();
    const { reach } = await look(database);
    expect(reach.error).toBeUndefined();
    expect(['warm', 'connection']).toContain(reach.via);
  });

  test('looks like whoever takes the connection and says nothing', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = addressOf(silent.address());
    const { reach } = await look(open(`postgres://dbconn:${password}@127.0.0.1:${port}/postgres`));
    expect(reach.error?.kind).toBe('frozen');
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe('a locked catalog', () => {
  test('is told from a hanging server, and does not cost the warm connection', async () => {
    const database = await warmOne();
    const [before] = await sessions.ownSessions();
    const keeper = await sessions.open({ user: 'postgres' });
    await keeper.run('BEGIN', 'LOCK pg_authid IN ACCESS EXCLUSIVE MODE');
    const { reach, reading } = await look(database);
    await keeper.run('ROLLBACK');
    expect(reading).toBeUndefined();
    expect(reach.error).toMatchObject({ kind: 'frozen', sqlstate: '55P03' });
    expect(reach.rungs.map(({ rung }) => rung)).toEqual(['warm']);
    expect((await look(database)).reach.via).toBe('warm');
    expect(await sessions.ownSessions()).toEqual([before]);
  });
});

describe('a lost session', () => {
  test('is replaced within the look, and is no trouble then', async () => {
    const database = await warmOne();
    await sessions.ask(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dbconn'`,
    );
    const { reach } = await look(database);
    expect(reach.via).toBe('connection');
    expect(reach.error).toBeUndefined();
    expect(await sessions.ownSessions()).toHaveLength(1);
  });
});

describe('closing', () => {
  test('while the server hangs takes no longer than a look, and leaves nothing', async () => {
    const database = await warmOne();
    await cluster.freeze();
    const looking = look(database);
    const began = performance.now();
    await database.close();
    expect(performance.now() - began).toBeLessThan(5000);
    expect((await looking).reading).toBeUndefined();
  });

  test('twice, or before the first look, does no harm', async () => {
    const database = open(cluster.url('dbconn'));
    await database.close();
    await database.close();
    expect((await look(database)).reach.via).toBe('connection');
  });
});

describe('a login that is refused', () => {
  test.for([
    ['a wrong password', (): string => cluster.url('secured', 'postgres', password), '28P01'],
    [
      'a role that does not exist',
      (): string => cluster.url('nobody', 'postgres', password),
      '28000',
    ],
    ['pg_hba.conf', (): string => cluster.url('barred', 'postgres', password), '28000'],
    ['a database that does not exist', (): string => cluster.url('dbconn', 'nowhere'), '3D000'],
  ] as const)('for %s says so', async ([, url, sqlstate]) => {
    const { reach } = await look(open(url()));
    expect(reach).toMatchObject({ via: 'none', error: { kind: 'auth', sqlstate } });
  });

  test('for want of a password says so', async () => {
    const { reach } = await look(open(cluster.url('secured')));
    expect(reach).toMatchObject({ via: 'none', error: { kind: 'auth' } });
  });
});

describe('missing privileges', () => {
  test('give no verdict but the GRANT to run', async () => {
    await sessions.openMany(3, { user: 'app' });
    const url = new URL(cluster.url());
    url.username = encodeURIComponent('who is "this"');
    const { reach, reading } = await look(open(url.href));
    expect(reach).toMatchObject({
      via: 'connection',
      error: { kind: 'privilege', fix: 'GRANT pg_monitor TO "who is ""this""";' },
    });
    expect(reading?.visibility.monitor).toBe(false);
    expect(reading?.counts.hidden).toBeGreaterThanOrEqual(3);
  });
});

describe('a server that is not there', () => {
  test('is stopped where nothing listens at its address', async () => {
    const gone = await startAnother();
    const database = await warmOne(gone.url());
    await gone.close();
    const { reach } = await look(database);
    expect(reach).toMatchObject({ via: 'none', error: { kind: 'stopped' } });
    expect(reach.error?.detail).toBeUndefined();
  });

  test('is stopped where its socket is missing', async () => {
    const { reach } = await look(open('postgres:///postgres?host=/nowhere/at/all&user=dbconn'));
    expect(reach.error?.kind).toBe('stopped');
  });

  test('is out of reach where its host has no name', async () => {
    const { reach } = await look(open(`postgres://dbconn:${password}@database.invalid/postgres`));
    expect(reach).toMatchObject({ via: 'none', error: { kind: 'network' } });
  });

  test('is shutting down while it waits for its last client', async () => {
    const leaving = await startAnother();
    const last = new Sessions(leaving);
    const { client } = await last.open();
    const stopped = leaving.stop('smart');
    const database = open(leaving.url('dbconn'));
    await until('it lets nobody in', async () => {
      return (await look(database)).reach.error !== undefined;
    });
    const { reach } = await look(database);
    expect(reach.error).toMatchObject({ kind: 'stopped', detail: 'shutting-down' });
    await client.end();
    await last.close();
    await stopped;
  });

  test('is starting while it recovers, and answers when it has', async () => {
    const recovering = await startAnother();
    await recovering.stop('immediate');
    const hold = join(recovering.directory, 'hold');
    await writeFile(hold, '');
    await writeFile(join(recovering.dataDirectory, 'recovery.signal'), '');
    await writeFile(
      join(recovering.dataDirectory, 'postgresql.auto.conf'),
      `restore_command = 'while [ -e ${hold} ]; do sleep 0.05; done; false'\nhot_standby = off\n`,
    );
    const started = recovering.start();
    const database = open(recovering.url());
    await until('it says that it is starting', async () => {
      const { reach } = await look(database);
      return reach.error?.kind === 'stopped' && reach.error.detail === 'starting';
    });
    await rm(hold);
    await started;
    expect((await look(database)).reading?.counts.own).toBe(1);
  });
});

describe('the socket', () => {
  test('is an address like any other', async () => {
    const { reach } = await look(
      open(
        `postgres:///postgres?host=${cluster.socketDirectory}&port=${cluster.port}&user=dbconn&sslmode=require`,
      ),
    );
    expect(reach.via).toBe('connection');
  });
});

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address;
}

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { Sessions } from '../support/sessions.ts';
import { until } from '../support/until.ts';
import { OutageScene, look, password } from './outage-scene.ts';

let scene: OutageScene;
let cluster: Cluster;
let sessions: Sessions;

beforeAll(async () => {
  scene = await OutageScene.start();
  ({ cluster, sessions } = scene);
});
afterEach(() => scene.clear());
afterAll(() => scene.close());

describe('a lost session', () => {
  test('is replaced within the look, and is no trouble then', async () => {
    const database = await scene.warmOne();
    await sessions.ask(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dbconn'`,
    );
    const { reach } = await look(database);
    expect(reach.via).toBe('connection');
    expect(reach.error).toBeUndefined();
    expect(await sessions.ownSessions()).toHaveLength(1);
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
    const { reach } = await look(scene.open(url()));
    expect(reach).toMatchObject({ via: 'none', error: { kind: 'auth', sqlstate } });
  });

  test('for want of a password says so', async () => {
    const { reach } = await look(scene.open(cluster.url('secured')));
    expect(reach).toMatchObject({ via: 'none', error: { kind: 'auth' } });
  });
});

describe('missing privileges', () => {
  test('give no verdict but the GRANT to run', async () => {
    await sessions.openMany(3, { user: 'app' });
    const url = new URL(cluster.url());
    url.username = encodeURIComponent('who is "this"');
    const { reach, reading } = await look(scene.open(url.href));
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
    const gone = await scene.startAnother();
    const database = await scene.warmOne(gone.url());
    await gone.close();
    const { reach } = await look(database);
    expect(reach).toMatchObject({ via: 'none', error: { kind: 'stopped' } });
    expect(reach.error?.detail).toBeUndefined();
  });

  test('is stopped where its socket is missing', async () => {
    const { reach } = await look(
      scene.open('postgres:///postgres?host=/nowhere/at/all&user=dbconn'),
    );
    expect(reach.error?.kind).toBe('stopped');
  });

  test('is out of reach where its host has no name', async () => {
    const { reach } = await look(
      scene.open(`postgres://dbconn:${password}@database.invalid/postgres`),
    );
    expect(reach).toMatchObject({ via: 'none', error: { kind: 'network' } });
  });

  test('is shutting down while it waits for its last client', async () => {
    const leaving = await scene.startAnother();
    const last = new Sessions(leaving);
    const { client } = await last.open();
    const stopped = leaving.stop('smart');
    const database = scene.open(leaving.url('dbconn'));
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
    const recovering = await scene.startAnother();
    await recovering.stop('immediate');
    const hold = join(recovering.directory, 'hold');
    await writeFile(hold, '');
    await writeFile(join(recovering.dataDirectory, 'recovery.signal'), '');
    await writeFile(
      join(recovering.dataDirectory, 'postgresql.auto.conf'),
      `restore_command = 'while [ -e ${hold} ]; do sleep 0.05; done; false'\nhot_standby = off\n`,
    );
    const started = recovering.start();
    const database = scene.open(recovering.url());
    await until('it says that it is starting', async () => {
      const { reach } = await look(database);
      return reach.error?.kind === 'stopped' && reach.error.detail === 'starting';
    });
    await rm(hold);
    await started;
    // One that was refused meanwhile may take a moment to be gone.
    await until('one session of dbconn is left', async () => {
      return (await look(database)).reading?.counts.own === 1;
    });
    expect(await look(database)).toMatchObject({ reach: { via: 'warm' } });
  });
});

describe('the socket', () => {
  test('is an address like any other', async () => {
    const { reach } = await look(
      scene.open(
        `postgres:///postgres?host=${cluster.socketDirectory}&port=${cluster.port}&user=dbconn&sslmode=require`,
      ),
    );
    expect(reach.via).toBe('connection');
  });
});

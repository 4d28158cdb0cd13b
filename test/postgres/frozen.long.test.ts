import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import type { DatabaseSnapshot } from '../../src/runbook/snapshot/snapshot.ts';
import type { Database } from '../../src/runbook/snapshot/ports.ts';
import type { Sessions } from '../support/sessions.ts';
import { until } from '../support/until.ts';
import { OutageScene, look as lookOnce, password } from './outage-scene.ts';

let scene: OutageScene;
let cluster: Cluster;
let sessions: Sessions;

beforeAll(async () => {
  scene = await OutageScene.start();
  ({ cluster, sessions } = scene);
});
afterEach(() => scene.clear());
afterAll(() => scene.close());

/** Every answer comes within 5 s. */
async function look(database: Database): Promise<DatabaseSnapshot> {
  const began = performance.now();
  const answer = await lookOnce(database);
  expect(performance.now() - began).toBeLessThan(5000);
  return answer;
}

describe('a frozen server', () => {
  test('that is stopped as a whole gives no reading and says that it hangs', async () => {
    const database = await scene.warmOne();
    await cluster.freeze();
    const { reach, reading } = await look(database);
    expect(reading).toBeUndefined();
    expect(reach).toMatchObject({ via: 'none', error: { kind: 'frozen' } });
    expect(reach.error?.detail).toBeUndefined();
    expect(reach.rungs.map(({ rung }) => rung)).toEqual(['warm', 'connection']);
  });

  test('is not climbed: a superuser would hang as well', async () => {
    await cluster.freeze();
    const { reach } = await look(scene.open(cluster.url('dbconn'), { rescueUrl: cluster.url() }));
    expect(reach).toMatchObject({ via: 'none', error: { kind: 'frozen' } });
    expect(reach.rungs.map(({ rung }) => rung)).toEqual(['connection']);
  });

  test('whose postmaster alone is stopped still answers on the warm connection', async () => {
    const database = await scene.warmOne();
    await cluster.freeze('postmaster');
    const { reach, reading } = await look(database);
    expect(reach).toEqual({ via: 'warm', rungs: [{ rung: 'warm', outcome: 'answered' }] });
    expect(reading?.counts.own).toBe(1);
  });

  test('whose one process that serves dbconn is stopped answers a new connection, and that one stays', async () => {
    const database = await scene.warmOne();
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
    const database = await scene.warmOne();
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
    const { reach } = await look(
      scene.open(`postgres://dbconn:${password}@127.0.0.1:${port}/postgres`),
    );
    expect(reach.error?.kind).toBe('frozen');
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe('a locked catalog', () => {
  test('is told from a hanging server, and does not cost the warm connection', async () => {
    const database = await scene.warmOne();
    const [before] = await sessions.ownSessions();
    const keeper = await sessions.open({ user: 'postgres' });
    await keeper.run('BEGIN', 'LOCK pg_authid IN ACCESS EXCLUSIVE MODE');
    const { reach, reading } = await look(database);
    await keeper.run('ROLLBACK');
    expect(reading).toBeUndefined();
    expect(reach.error).toMatchObject({ kind: 'slow', detail: 'catalog', sqlstate: '55P03' });
    expect(reach.rungs.map(({ rung }) => rung)).toEqual(['warm']);
    expect((await look(database)).reach.via).toBe('warm');
    expect(await sessions.ownSessions()).toEqual([before]);
  });
});

describe('closing', () => {
  test('while the server hangs takes no longer than a look, and leaves nothing', async () => {
    const database = await scene.warmOne();
    await cluster.freeze();
    const looking = look(database);
    const began = performance.now();
    await database.close();
    expect(performance.now() - began).toBeLessThan(5000);
    expect((await looking).reading).toBeUndefined();
  });

  test('twice, or before the first look, does no harm', async () => {
    const database = scene.open(cluster.url('dbconn'));
    await database.close();
    await database.close();
    expect((await look(database)).reach.via).toBe('connection');
  });
});

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address;
}

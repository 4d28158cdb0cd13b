import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { startCluster } from '../../sandbox/patient/cluster.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import { diagnose } from '../../src/runbook/diagnose/diagnose.ts';
import type { DatabaseSnapshot } from '../../src/runbook/snapshot/snapshot.ts';
import type { Database } from '../../src/runbook/snapshot/ports.ts';
import { aSnapshot, aTarget } from '../runbook/diagnose/builders.ts';
import { databaseOptions } from '../support/database-options.ts';
import { Sessions } from '../support/sessions.ts';

const waiters = 800;
/** On a calm machine the deadlock checks of 800 are done in 20 s. */
const patienceMs = 120_000;

let cluster: Cluster | undefined;
let database: Database | undefined;

afterEach(async () => {
  await database?.close();
  await cluster?.close();
});

interface Timed {
  readonly look: DatabaseSnapshot;
  readonly ms: number;
}

async function timed(from: Database): Promise<Timed> {
  const began = performance.now();
  const look = await from.readSnapshot();
  return { look, ms: performance.now() - began };
}

/** Looks on and on, until the lock tree has been read twice after a time when it could not be. */
async function lookThrough(from: Database): Promise<Timed[]> {
  const looks: Timed[] = [];
  const deadline = performance.now() + patienceMs;
  for (;;) {
    looks.push(await timed(from));
    const busy = looks.findLastIndex(({ look }) => isBusy(look));
    if (busy !== -1 && looks.length - busy > 2) return looks;
    if (performance.now() > deadline) throw new Error(JSON.stringify(looks.at(-1)?.look.reach));
    await sleep(200);
  }
}

function isBusy({ reading }: DatabaseSnapshot): boolean {
  return reading?.lockManagerBusy !== undefined;
}

test('800 waiters that check for deadlocks one after another do not hide the server', async () => {
  cluster = await startCluster({
    settings: { max_connections: 900, shared_buffers: '16MB', autovacuum: 'off' },
  });
  const scene = new Sessions(cluster);
  await scene.ask('CREATE TABLE hot (id int PRIMARY KEY, n int)');
  await scene.ask('INSERT INTO hot VALUES (1, 0)');
  const crowd = await scene.openMany(waiters + 1);
  const lifeline = createDatabase(databaseOptions(cluster.url()));
  database = lifeline;
  expect((await lifeline.readSnapshot()).reading?.sources[0]).toMatchObject({ user: 'postgres' });
  const [holder, ...others] = crowd;
  await holder?.run('BEGIN', 'UPDATE hot SET n = 1 WHERE id = 1');
  for (const one of others) one.begin('UPDATE hot SET n = 2 WHERE id = 1');

  const looks = await lookThrough(lifeline);
  for (const { look } of looks) expect(look.reach).toMatchObject({ via: 'warm' });
  for (const { look } of looks) expect(look.reach.error).toBeUndefined();
  expect(Math.max(...looks.map(({ ms }) => ms))).toBeLessThan(2000);

  const storm = looks.filter(({ look }) => isBusy(look));
  const worst = storm.toSorted((a, b) => waiting(b.look) - waiting(a.look))[0]?.look;
  if (worst === undefined) throw new Error('There was no storm.');
  expect(waiting(worst)).toBeGreaterThan(waiters * 0.9);
  expect(worst.reading?.sources[0]).toMatchObject({ user: 'postgres', application: 'backend' });
  expect(worst.reading?.counts.clients).toBe(waiters + 3);
  const told = diagnose({
    snapshot: { ...aSnapshot(), database: worst },
    target: aTarget(),
    recent: [],
  });
  expect(told.state).toBe('critical');
  expect(told.causes[0]?.cause).toBe('lock-contention');
  expect(told.causes[0]?.confidence).toBeGreaterThan(0.6);
  expect(told.blocking).toMatchObject({ roots: [], truncated: true });
  expect(told.findings.map(({ id }) => id)).toContain('lock-manager-busy');
  expect(told.findings.map(({ id }) => id)).not.toContain('server-frozen');

  const after = looks.at(-1)?.look.reading;
  expect(after?.locks.waiters).toHaveLength(waiters);
  expect(after?.sessions.find(({ pid }) => pid === holder?.pid)).toBeDefined();
});

function waiting({ reading }: DatabaseSnapshot): number {
  return reading?.locks.waitersTotal ?? 0;
}

import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { allMajors } from '../support/breadth.ts';
import { systemClock } from '../../src/timing.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import type { DatabaseOptions } from '../../src/postgres/lifeline.ts';
import type { DatabaseReading } from '../../src/runbook/snapshot/snapshot.ts';
import type { Database } from '../../src/runbook/snapshot/ports.ts';
import { databaseOptions } from '../support/database-options.ts';
import { until } from '../support/until.ts';
import { useServer } from '../support/server.ts';

/** As many as make a look keep out of the lock manager before their deadlock checks begin. */
const crowd = 210;

describe.for(allMajors)('PostgreSQL %i', (major) => {
  const server = useServer({
    major,
    settings: {
      max_connections: 300,
      shared_buffers: '16MB',
      autovacuum: 'off',
      // From one second of waiting on they count as about to check, from three on they do.
      deadlock_timeout: '3s',
    },
  });
  let database: Database | undefined;

  beforeAll(async () => {
    await server.sessions.ask('CREATE ROLE dbconn LOGIN');
    await server.sessions.ask('GRANT pg_monitor TO dbconn');
    await server.sessions.ask('CREATE ROLE app LOGIN');
    await server.sessions.ask('CREATE TABLE hot (id int PRIMARY KEY, n int)');
    await server.sessions.ask('INSERT INTO hot VALUES (1, 0)');
    await server.sessions.ask('GRANT ALL ON hot TO app');
  });

  afterEach(async () => {
    await database?.close();
    database = undefined;
    await server.sessions.endAll();
  });

  async function read(from: Database): Promise<DatabaseReading> {
    const { reach, reading } = await from.readSnapshot();
    if (reading === undefined) throw new Error(JSON.stringify(reach));
    return reading;
  }

  /** A pile-up on one row, and who looks at it; the first look was before. */
  async function pileUp(more: Partial<DatabaseOptions> = {}): Promise<Database> {
    const holder = await server.sessions.open({ user: 'app', application: 'holder' });
    const waiters = await server.sessions.openMany(crowd, { user: 'app' });
    const looker = createDatabase(databaseOptions(server.cluster.url('dbconn'), more));
    database = looker;
    await read(looker);
    await holder.run('BEGIN', 'UPDATE hot SET n = 1 WHERE id = 1');
    for (const waiter of waiters) waiter.begin('UPDATE hot SET n = 2 WHERE id = 1');
    return looker;
  }

  test('a light look counts what a full one counts, and says what it left out', async () => {
    const looker = await pileUp();
    let light: DatabaseReading | undefined;
    await until('the look keeps out and all wait', async () => {
      const reading = await read(looker);
      if (reading.lockManagerBusy !== undefined) light = reading;
      return light?.locks.waitersTotal === crowd;
    });
    let full = await read(looker);
    await until('the deadlock checks are done', async () => {
      full = await read(looker);
      return full.lockManagerBusy === undefined;
    });
    expect(full.locks.waiters).toHaveLength(crowd);
    expect(light?.locks).toEqual({ waiters: [], waitersTotal: crowd, askedTotal: 0 });
    expect(light).toMatchObject({ sessions: [], sessionsTruncated: true });
    const { newIn10s: _10, newIn60s: _60, ...steady } = full.counts;
    expect(light?.counts).toMatchObject({ ...steady, lockWaiting: crowd });
    expect(light?.capacity).toEqual(full.capacity);
    expect(light?.visibility).toEqual(full.visibility);
    expect(light?.sourcesTotal).toBe(full.sourcesTotal);
    const nameless = (reading: DatabaseReading | undefined): unknown[] | undefined =>
      reading?.sources.map(({ application, client, database: name, total, active }) => {
        return { application, client, name, total, active };
      });
    expect(nameless(light)).toEqual(nameless(full));
    expect(light?.sources[0]).toMatchObject({ user: 'app', database: 'postgres', total: crowd });
    expect(await server.cluster.log()).not.toMatch(/ERROR/);
  });

  test('clients that come back for ever do not hide for ever who blocks them', async () => {
    let later = 0;
    const looker = await pileUp({
      clock: { ...systemClock, now: () => systemClock.now() + later },
    });
    await until('the look keeps out', async () => {
      return (await read(looker)).lockManagerBusy?.sessions === 0;
    });
    later = 31_000;
    const reading = await read(looker);
    expect(reading.lockManagerBusy).toBeUndefined();
    expect(reading.locks.waitersTotal).toBeGreaterThan(0);
  });
});

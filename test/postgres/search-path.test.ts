import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../support/breadth.ts';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { createIdleSessions } from '../../src/postgres/privileged/idle-sessions.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import { databaseOptions } from '../support/database-options.ts';

/** Names of built-ins that the statements call, as anybody may create them in `public` before PostgreSQL 15. */
const impostors = [
  ['cardinality(int[])', 'int', '0'],
  ['host(inet)', 'text', "''"],
  ['round(numeric, int)', 'numeric', '0'],
  ['pg_backend_pid()', 'int', '0'],
  ['clock_timestamp()', 'timestamptz', 'now()'],
  ['to_char(timestamp, text)', 'text', "''"],
] as const;

describe.for(majors)('PostgreSQL %i', (major) => {
  let cluster: Cluster;

  beforeAll(async () => {
    // With so many slots a second look asks first whether the lock manager is busy.
    cluster = await startCluster({ major, settings: { max_connections: 300 } });
    const owner = new Client({ connectionString: cluster.url() });
    await owner.connect();
    // What a careless or hostile owner of the database can do to everybody who connects without a path.
    await owner.query('ALTER DATABASE postgres SET search_path = public, pg_catalog');
    for (const [signature, type, value] of impostors) {
      await owner.query(`CREATE FUNCTION public.${signature} RETURNS ${type} LANGUAGE plpgsql AS
        $$ BEGIN RAISE LOG 'HIJACKED'; RETURN ${value}; END $$`);
    }
    await owner.end();
  });
  afterAll(() => cluster.close());

  test("a look runs nobody's functions but the server's", async () => {
    const database = createDatabase(databaseOptions(cluster.url()));
    const { reach, reading } = await database.readSnapshot();
    // Once planned, and once as planned.
    await database.readSnapshot();
    await database.readSnapshot();
    await database.close();
    expect(reach.via).toBe('connection');
    expect(reading?.counts.own).toBe(1);
    expect(await cluster.log()).not.toContain('HIJACKED');
  });

  test('nor does the acting connection', async () => {
    const privileged = createIdleSessions({ url: cluster.url() });
    const candidates = await privileged.act((session) =>
      session.readTerminateCandidates({
        states: ['idle'],
        idleForMs: 1,
        application: null,
        guard: {
          idleForMs: 1,
          protectedApplications: [],
          poolerApplications: [],
          applicationRoles: [],
        },
      }),
    );
    expect(candidates.role).toBe('postgres');
    expect(await cluster.log()).not.toContain('HIJACKED');
  });
});

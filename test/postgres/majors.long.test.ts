import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { hasBinaries } from '../../sandbox/patient/binaries.ts';
import { childEnvironment } from '../support/child-environment.ts';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { Sessions } from '../support/sessions.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

/** As much of the documented JSON as this scene is about. */
const Status = z.object({
  reach: z.object({ via: z.literal('connection') }),
  capacity: z.object({
    maxConnections: z.number(),
    usable: z.number(),
    used: z.number(),
    byState: z.object({ idleInTransaction: z.number(), active: z.number() }),
  }),
  blocking: z.object({
    waiters: z.array(z.object({ pid: z.number(), waitsFor: z.array(z.number()) })),
    waitersTotal: z.number(),
    roots: z.array(z.object({ pid: z.number(), victims: z.number() })),
  }),
});

describe.for([13, 14, 15, 16, 17, 18])('PostgreSQL %i', (major) => {
  let cluster: Cluster | undefined;
  let sessions: Sessions | undefined;

  afterEach(async () => {
    await sessions?.close();
    await cluster?.close();
  });

  test.runIf(hasBinaries(major))(
    'dbconn status --json names the waiters and roots of nested and soft waits',
    async () => {
      cluster = await startCluster({ major, settings: { max_connections: 40 } });
      const scene = new Sessions(cluster);
      sessions = scene;
      await scene.ask('CREATE TABLE work (id int PRIMARY KEY, n int)');
      await scene.ask('INSERT INTO work SELECT i, 0 FROM generate_series(1, 9) i');
      const [reader, writer] = [await scene.open(), await scene.open()];
      await reader.run('BEGIN', 'SELECT * FROM work');
      await writer.run('BEGIN', 'UPDATE work SET n = 1 WHERE id = 1');
      // A row, the row behind it, DDL behind both transactions, and a reader behind the DDL.
      const statements = [
        'UPDATE work SET n = 2 WHERE id = 1',
        'UPDATE work SET n = 3 WHERE id = 1',
        'ALTER TABLE work ADD COLUMN extra int',
        'SELECT * FROM work',
      ];
      for (const [index, statement] of statements.entries()) {
        (await scene.open()).begin(statement);
        await until('it waits', async () => (await truth(scene)).length === index + 1);
      }
      const expected = await truth(scene);
      const status = await readStatus(cluster.url());
      expect(status.capacity).toMatchObject({ maxConnections: 40, usable: 37, used: 8 });
      expect(status.capacity.byState).toEqual({ idleInTransaction: 2, active: 5 });
      expect(status.blocking.waitersTotal).toBe(4);
      expect(toEdges(status.blocking.waiters)).toEqual(toEdges(expected));
      expect(status.blocking.roots).toEqual([
        { pid: writer.pid, victims: 4 },
        { pid: reader.pid, victims: 2 },
      ]);
    },
  );
});

interface Waiter {
  readonly pid: number;
  readonly waitsFor: readonly number[];
}

function toEdges(waiters: readonly Waiter[]): Map<number, readonly number[]> {
  const sorted = waiters.toSorted((a, b) => a.pid - b.pid);
  return new Map(sorted.map(({ pid, waitsFor }) => [pid, waitsFor.toSorted((a, b) => a - b)]));
}

function truth(sessions: Sessions): Promise<{ pid: number; waitsFor: number[] }[]> {
  return sessions.ask(
    `SELECT pid, ARRAY(SELECT DISTINCT u FROM unnest(pg_blocking_pids(pid)) u) AS "waitsFor"
       FROM pg_stat_activity WHERE wait_event_type = 'Lock'`,
  );
}

/** The exit status is the verdict, so that a server in trouble makes it fail. */
async function readStatus(url: string): Promise<z.infer<typeof Status>> {
  const { stdout } = await run(process.execPath, [cli, 'status', '--json'], {
    env: { ...childEnvironment, DATABASE_URL: url },
  }).catch((error: unknown) => z.object({ stdout: z.string().min(1) }).parse(error));
  return Status.parse(JSON.parse(stdout));
}

import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { startCluster } from '../support/clusters.ts';
import { until } from '../support/until.ts';

/** A wait counts after ten seconds, so this takes as long. */
const run = promisify(execFile);
const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const folder = tmpdir();

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
  await queryAlone('CREATE ROLE app LOGIN');
  await queryAlone('GRANT ALL ON SCHEMA public TO app');
});
afterAll(() => cluster.close());

test('what would help comes with the psql command, which ends what was seen and nothing else', async () => {
  const blocker = new Client({ connectionString: cluster.url('app') });
  const waiter = new Client({ connectionString: cluster.url('app') });
  blocker.on('error', () => undefined);
  await Promise.all([blocker.connect(), waiter.connect()]);
  await blocker.query('CREATE TABLE accounts (id int)');
  await blocker.query('BEGIN; LOCK TABLE accounts');
  const waited = waiter.query('SELECT count(*) FROM accounts');
  try {
    const status = (): Promise<{ stdout: string }> =>
      run(process.execPath, [cli, 'status'], {
        cwd: folder,
        env: { PATH: process.env['PATH'], DATABASE_URL: cluster.url() },
      }).catch((error: { stdout: string }) => error);
    let sql = '';
    await until('a command for option D', async () => {
      const { stdout } = await status();
      [, sql = ''] = /^ {2}D {2}psql .* -c "(.*)"$/m.exec(stdout) ?? [];
      return sql !== '';
    });
    expect(await queryAlone(sql)).toMatchObject([{ pg_terminate_backend: true }]);
    await waited;
    expect(await queryAlone(sql)).toEqual([]);
  } finally {
    // Where it was not ended, the waiter would wait for it.
    await blocker.end().catch(() => undefined);
    await waiter.query('DROP TABLE IF EXISTS accounts');
    await waiter.end();
  }
});

async function queryAlone(sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: cluster.url() });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

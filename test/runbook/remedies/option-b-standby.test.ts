import { execFile } from 'node:child_process';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../../support/breadth.ts';
import { startCluster } from '../../support/clusters.ts';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { until } from '../../support/until.ts';
import { OptionBOnCluster } from './option-b-on-cluster.ts';

describe.for(majors)('PostgreSQL %i', (major) => {
  let primary: Cluster;
  let standby: Cluster;
  const opened = new Set<OptionBOnCluster>();

  beforeAll(async () => {
    const settings = { max_connections: 30, wal_level: 'logical' };
    primary = await startCluster({ major, settings });
    standby = await startCluster({ major });
    await standby.stop();
    await primary.stop();
    await rm(standby.dataDirectory, { recursive: true });
    await promisify(execFile)('cp', ['-a', primary.dataDirectory, standby.dataDirectory]);
    await primary.start();
  });

  afterEach(async () => {
    await Promise.all([...opened].map((optionB) => optionB.close()));
    opened.clear();
  });

  afterAll(async () => {
    await standby.close();
    await primary.close();
  });

  /** Streams from the primary under this name. */
  async function follow(name: string): Promise<void> {
    const { host, port } = primary;
    const from = `host=${host} port=${port} user=postgres application_name=''${name}''`;
    await standby.stop();
    await appendFile(
      join(standby.dataDirectory, 'postgresql.conf'),
      `\nprimary_conninfo = '${from}'\n`,
    );
    await writeFile(join(standby.dataDirectory, 'standby.signal'), '');
    await standby.start();
    await until('the standby streams', async () => (await ask(countOf('streaming'))) === '1');
  }

  const countOf = (state: string): string =>
    `SELECT count(*)::text FROM pg_stat_replication WHERE state = '${state}'`;

  async function ask(sql: string): Promise<string> {
    const client = new Client({ connectionString: primary.url() });
    await client.connect();
    try {
      const { rows } = await client.query<Record<string, unknown>>(sql);
      return String(Object.values(rows[0] ?? {})[0]);
    } finally {
      await client.end();
    }
  }

  function optionBOf(cluster: Cluster): OptionBOnCluster {
    const optionB = new OptionBOnCluster(cluster);
    opened.add(optionB);
    return optionB;
  }

  const raise = { kind: 'raise-max-connections', to: 40 } as const;

  test('the slot of a standby that is away is a warning, that of a logical subscriber is none', async () => {
    await ask("SELECT pg_create_physical_replication_slot('away')");
    await ask("SELECT pg_create_logical_replication_slot('subscriber', 'pgoutput')");
    const answer = await optionBOf(primary).remedy().propose(raise);
    expect(answer.ok ? answer.value.cost.join('\n') : answer.refusal.why).toContain(
      '1 replication slot belongs to a disconnected standby',
    );
  });

  test('names the standby that must be raised first, and on that standby says the order', async () => {
    await follow('replica-1');
    const refused = await optionBOf(primary).remedy().propose(raise);
    expect(refused).toMatchObject({ refusal: { kind: 'standbys' } });
    expect(refused.ok ? '' : refused.refusal.why).toContain(
      'must have max_connections = 40 first, or replay stops there: replica-1 (127.0.0.1).',
    );
    // The other way round the primary goes first, and nobody is in its way.
    const lowered = await optionBOf(primary)
      .remedy()
      .propose({ ...raise, to: 25 });
    expect(lowered).toMatchObject({ ok: true });
    expect(await optionBOf(standby).remedy().propose(raise)).toMatchObject({
      refusal: { kind: 'in-recovery' },
    });
  });

  test("does not repeat a standby's name that could speak for itself", async () => {
    await follow('<!channel> *raised*');
    const refused = await optionBOf(primary).remedy().propose(raise);
    expect(refused.ok ? '' : refused.refusal.why).toContain(
      'a standby with an unusual name (127.0.0.1)',
    );
  });
});

import { execFile } from 'node:child_process';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { startCluster } from './clusters.ts';
import { until } from './until.ts';
import { runSql } from './sql.ts';

interface Pair {
  readonly primary: Cluster;
  readonly standby: Cluster;
  close(): Promise<void>;
}

/** A primary and a hot standby that streams from it; the primary's data are made by `prepare`. */
export async function startPair(
  options: NonNullable<Parameters<typeof startCluster>[0]>,
  standbySettings: Readonly<Record<string, string>>,
): Promise<Pair> {
  const primary = await startCluster(options);
  const standby = await startCluster(options.major === undefined ? {} : { major: options.major });
  await standby.stop();
  await primary.stop();
  await rm(standby.dataDirectory, { recursive: true });
  await promisify(execFile)('cp', ['-a', primary.dataDirectory, standby.dataDirectory]);
  await primary.start();
  const lines = {
    primary_conninfo: `host=${primary.host} port=${primary.port} user=postgres application_name=''replica''`,
    ...standbySettings,
  };
  await appendFile(
    join(standby.dataDirectory, 'postgresql.conf'),
    Object.entries(lines)
      .map(([name, value]) => `\n${name} = '${value}'`)
      .join(''),
  );
  await writeFile(join(standby.dataDirectory, 'standby.signal'), '');
  await standby.start();
  await until('the standby streams', () => isStreaming(primary));
  return {
    primary,
    standby,
    close: async () => {
      await standby.close();
      await primary.close();
    },
  };
}

async function isStreaming(primary: Cluster): Promise<boolean> {
  const rows = await runSql(
    primary.url(),
    `SELECT FROM pg_stat_replication WHERE state = 'streaming'`,
  );
  return rows.length === 1;
}

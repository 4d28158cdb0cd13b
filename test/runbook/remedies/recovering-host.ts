import { readFile, readdir } from 'node:fs/promises';
import { Client } from 'pg';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { createSandboxServerHost } from '../../../sandbox/patient/sandbox-server-host.ts';
import type { ServerHost } from '../../../src/runbook/remedies/b-raise-max-connections/ports.ts';

interface RecoveringHost extends ServerHost {
  /** Logins refused with 57P03 while it recovered. */
  readonly refusals: number;
}

/** A host whose stop is a crash, after which PostgreSQL replays its log for so long: the startup process is held. */
export function createRecoveringHost(cluster: Cluster, recoversForMs: number): RecoveringHost {
  const host = createSandboxServerHost(cluster);
  let refusals = 0;
  return {
    ...bind(host),
    get refusals() {
      return refusals;
    },
    async stop() {
      await writeLog(cluster);
      await cluster.stop('immediate');
      await host.stop();
    },
    async start() {
      const started = host.start();
      await cluster.freeze(await findStartupProcess(cluster));
      await started;
      if (await isRefused(cluster)) refusals += 1;
      setTimeout(() => void cluster.thaw(), recoversForMs);
    },
  };
}

function bind(host: ServerHost): ServerHost {
  return {
    readState: () => host.readState(),
    readLog: () => host.readLog(),
    stop: () => host.stop(),
    start: () => host.start(),
    keepCopy: (files) => host.keepCopy(files),
    putBack: (files, kept) => host.putBack(files, kept),
    removeCopy: (files) => host.removeCopy(files),
  };
}

/** What a recovery has to replay: enough that it is still at it when it is looked for. */
async function writeLog(cluster: Cluster): Promise<void> {
  const client = new Client({ connectionString: cluster.url() });
  await client.connect();
  await client.query(
    'CREATE TABLE bulk AS SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, 300000) n',
  );
  await client.end();
}

async function findStartupProcess(cluster: Cluster): Promise<number> {
  for (;;) {
    const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    for (const name of names) {
      const title = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      if (!title.startsWith('postgres: startup')) continue;
      const parent = await readParent(name);
      if (parent === postmasterOf(cluster)) return Number(name);
    }
  }
}

function postmasterOf(cluster: Cluster): number | undefined {
  try {
    return cluster.postmasterPid();
  } catch {
    return undefined; // not spawned yet
  }
}

async function readParent(pid: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
}

async function isRefused(cluster: Cluster): Promise<boolean> {
  const client = new Client({ connectionString: cluster.url() });
  try {
    await client.connect();
    await client.end();
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === '57P03';
  }
}

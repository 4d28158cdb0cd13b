import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { unprivilegedId } from '../../sandbox/patient/binaries.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { findFreePort } from '../docker/free-port.ts';
import { until } from './until.ts';

/** A real PgBouncer before a cluster, with `stats` as its stats user and `app` as an ordinary one. */
export interface PgBouncer {
  url(user: string, database: string): string;
  /** Stops its process so that it accepts and never answers. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

export const isPgBouncerInstalled = spawnSync('pgbouncer', ['--version']).status === 0;

export async function startPgBouncer(
  cluster: Cluster,
  settings: Readonly<Record<string, string | number>>,
): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-pgbouncer-'));
  const port = await findFreePort();
  const users = join(folder, 'users.txt');
  await writeFile(users, ['stats', 'app'].map((user) => `"${user}" ""\n`).join(''));
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'trust',
    auth_file: users,
    stats_users: 'stats',
    ...settings,
  };
  const database = `* = host=127.0.0.1 port=${cluster.port} user=postgres`;
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, ['[databases]', database, '[pgbouncer]', ...lines, ''].join('\n'));
  // It refuses to run as root.
  const asRoot = process.getuid?.() === 0;
  if (asRoot) {
    for (const path of [folder, file, users]) await chown(path, unprivilegedId, unprivilegedId);
  }
  await chmod(folder, 0o755);
  const account = asRoot ? { uid: unprivilegedId, gid: unprivilegedId } : {};
  const child = spawn('pgbouncer', ['-q', file], { stdio: 'ignore', ...account });
  const ended = once(child, 'exit');
  const url = (user: string, name: string): string =>
    `postgres://${user}@127.0.0.1:${port}/${name}?sslmode=disable`;
  const close = async (): Promise<void> => {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until('PgBouncer listens', () => answers(url('stats', 'pgbouncer')));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    close,
  };
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

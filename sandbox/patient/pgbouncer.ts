import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { unprivilegedId } from './binaries.ts';
import { account } from './cluster-home.ts';
import type { Cluster } from './cluster.ts';
import { findFreePort } from './free-port.ts';

interface PgBouncerOptions {
  /** Beside `stats`, its stats user. */
  readonly users?: readonly string[];
  /** As whom it logs in to PostgreSQL for all of them, or each `as itself`. */
  readonly serverUser?: string;
}

/** A real PgBouncer in front of a cluster, with `stats` as its stats user and `app` as an ordinary one. */
export interface PgBouncer {
  url(user: string, database: string): string;
  /** Stops its process so that it accepts and never answers. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

const startTimeoutMs = 60_000;

/** Debian installs it where the PATH of an ordinary user does not lead. */
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };

/** Everything but PgBouncer's own scenes works without it. */
export const isPgBouncerInstalled = spawnSync('pgbouncer', ['--version'], { env }).status === 0;

export async function startPgBouncer(
  cluster: Pick<Cluster, 'port'>,
  settings: Readonly<Record<string, string | number>>,
  options: PgBouncerOptions = {},
): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-pgbouncer-'));
  const port = await findFreePort();
  const users = join(folder, 'users.txt');
  const { users: names = ['app'], serverUser = 'postgres' } = options;
  await writeFile(users, ['stats', ...names].map((user) => `"${user}" ""\n`).join(''));
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'trust',
    auth_file: users,
    stats_users: 'stats',
    ...settings,
  };
  const as = serverUser === 'as itself' ? '' : ` user=${serverUser}`;
  const database = `* = host=127.0.0.1 port=${cluster.port}${as}`;
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, ['[databases]', database, '[pgbouncer]', ...lines, ''].join('\n'));
  // It refuses to run as root.
  const asRoot = process.getuid?.() === 0;
  if (asRoot) {
    for (const path of [folder, file, users]) await chown(path, unprivilegedId, unprivilegedId);
  }
  await chmod(folder, 0o755);
  const child = spawn('pgbouncer', ['-q', file], { stdio: 'ignore', env, ...account });
  const ended = once(child, 'exit');
  const url = (user: string, name: string): string =>
    `postgres://${user}@127.0.0.1:${port}/${name}?sslmode=disable`;
  const onExit = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', onExit);
  const close = async (): Promise<void> => {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
    process.off('exit', onExit);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilListening(child, url('stats', 'pgbouncer'));
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

async function untilListening(child: ChildProcess, url: string): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`PgBouncer ended with ${child.exitCode}.`);
    if (performance.now() > deadline) throw new Error('PgBouncer does not listen.');
    await sleep(20);
  }
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

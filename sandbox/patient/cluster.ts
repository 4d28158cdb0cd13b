import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import {
  appendFile,
  chown,
  mkdtemp,
  mkdir,
  open,
  readFile,
  readdir,
  rm,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findBinaries, unprivilegedId } from './binaries.ts';

const run = promisify(execFile);
const asRoot = process.getuid?.() === 0;
const account = asRoot ? { uid: unprivilegedId, gid: unprivilegedId } : {};
/** A cluster is up in under a second on an idle machine; a shared one gets far longer. */
const startTimeoutMs = 60_000;
/** pg_ctl's three shutdown modes. */
const shutdownSignals = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

export interface ClusterOptions {
  /** 13 to 18; 18 unless given. */
  readonly major?: number;
  /** postgresql.conf settings, such as `{ max_connections: 20 }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Settings given on the command line, which beat ALTER SYSTEM. */
  readonly commandLine?: Readonly<Record<string, string | number>>;
  /** pg_hba.conf lines before `host all all 127.0.0.1/32 trust`. */
  readonly hba?: readonly string[];
}

/** Where and how to freeze: the postmaster and all its children, the postmaster alone, or one process. */
export type FreezeScope = 'all' | 'postmaster' | number;

/**
 * A real PostgreSQL of our own: superuser `postgres`, trust authentication on 127.0.0.1 and on a socket,
 * fsync off. `close` leaves nothing behind; so does the end of this process, unless it is killed with SIGKILL.
 */
export interface Cluster {
  readonly major: number;
  readonly port: number;
  readonly host: string;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  url(user?: string, database?: string, password?: string): string;
  postmasterPid(): number;
  /** The server's own log so far. */
  log(): Promise<string>;
  freeze(scope?: FreezeScope): Promise<void>;
  thaw(): Promise<void>;
  start(): Promise<void>;
  stop(mode?: 'smart' | 'fast' | 'immediate'): Promise<void>;
  close(): Promise<void>;
}

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const major = options.major ?? 18;
  const binaries = await findBinaries(major);
  const directory = await mkdtemp(join(tmpdir(), `dbconn-pg${major}-`));
  const cluster = new LocalCluster({ major, binaries, directory, options });
  try {
    await cluster.create();
    await cluster.start();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

interface Site {
  readonly major: number;
  readonly binaries: string;
  readonly directory: string;
  readonly options: ClusterOptions;
}

class LocalCluster implements Cluster {
  readonly host = '127.0.0.1';
  readonly major: number;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly #site: Site;
  readonly #logFile: string;
  readonly #onExit = (): void => this.#killNow();
  readonly #frozen = new Set<number>();
  #port = 0;
  #postmaster: ChildProcess | undefined;

  constructor(site: Site) {
    this.#site = site;
    this.major = site.major;
    this.directory = site.directory;
    this.dataDirectory = join(site.directory, 'data');
    this.socketDirectory = join(site.directory, 'socket');
    this.#logFile = join(site.directory, 'log');
    process.once('exit', this.#onExit);
  }

  get port(): number {
    return this.#port;
  }

  url(user = 'postgres', database = 'postgres', password?: string): string {
    const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
    return `postgres://${encodeURIComponent(user)}${secret}@${this.host}:${this.#port}/${database}`;
  }

  async create(): Promise<void> {
    await mkdir(this.socketDirectory);
    await writeFile(this.#logFile, '');
    if (asRoot) {
      for (const path of [this.directory, this.socketDirectory, this.#logFile]) {
        await chown(path, unprivilegedId, unprivilegedId);
      }
    }
    await run(
      join(this.#site.binaries, 'bin', 'initdb'),
      ['-D', this.dataDirectory, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
      { ...account, env: { LC_ALL: 'C' }, cwd: this.directory },
    );
    const hba = (this.#site.options.hba ?? []).join('\n');
    const trusting = 'local all all trust\nhost all all 127.0.0.1/32 trust\n';
    const replication = 'local replication all trust\nhost replication all 127.0.0.1/32 trust\n';
    await writeFile(join(this.dataDirectory, 'pg_hba.conf'), `${hba}\n${trusting}${replication}`);
    const settings = Object.entries(this.#site.options.settings ?? {});
    const lines = settings.map(([name, value]) => `${name} = '${value}'`);
    await appendFile(join(this.dataDirectory, 'postgresql.conf'), `\n${lines.join('\n')}\n`);
  }

  async start(): Promise<void> {
    this.#port = this.#port === 0 ? await freePort() : this.#port;
    const output = await open(this.#logFile, 'a');
    const fixed = { listen_addresses: this.host, port: this.#port, fsync: 'off' };
    const given = { ...fixed, ...this.#site.options.commandLine };
    const flags = Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(
      join(this.#site.binaries, 'bin', 'postgres'),
      ['-D', this.dataDirectory, '-k', this.socketDirectory, ...flags],
      {
        ...account,
        cwd: this.directory,
        env: { LC_ALL: 'C' },
        stdio: ['ignore', output.fd, output.fd],
      },
    );
    this.#postmaster = child;
    await output.close();
    await this.#untilReady(child);
  }

  async #untilReady(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + startTimeoutMs;
    const ready = (): boolean => {
      try {
        const lines = readFileSync(join(this.dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
        return lines[0] === String(child.pid) && lines[7]?.trim() === 'ready';
      } catch {
        return false; // not written yet
      }
    };
    while (!ready()) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`PostgreSQL ${this.major} did not start:\n${await this.log()}`);
      }
      await sleep(20);
    }
  }

  postmasterPid(): number {
    const pid = this.#postmaster?.pid;
    if (pid === undefined) throw new Error('This cluster is not running.');
    return pid;
  }

  log(): Promise<string> {
    return readFile(this.#logFile, 'utf8');
  }

  async freeze(scope: FreezeScope = 'all'): Promise<void> {
    const postmaster = this.postmasterPid();
    const children = scope === 'all' ? await childrenOf(postmaster) : [];
    const pids = typeof scope === 'number' ? [scope] : [postmaster, ...children];
    for (const pid of pids) {
      process.kill(pid, 'SIGSTOP');
      this.#frozen.add(pid);
    }
  }

  thaw(): Promise<void> {
    for (const pid of this.#frozen) signalIfAlive(pid, 'SIGCONT');
    this.#frozen.clear();
    return Promise.resolve();
  }

  async stop(mode: 'smart' | 'fast' | 'immediate' = 'fast'): Promise<void> {
    const child = this.#postmaster;
    this.#postmaster = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await this.thaw();
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(shutdownSignals[mode]);
    await ended;
  }

  async close(): Promise<void> {
    await this.stop('immediate');
    process.off('exit', this.#onExit);
    await rm(this.directory, { recursive: true, force: true });
  }

  #killNow(): void {
    for (const pid of this.#frozen) signalIfAlive(pid, 'SIGCONT');
    if (this.#postmaster?.pid !== undefined) signalIfAlive(this.#postmaster.pid, 'SIGQUIT');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const isChild = async (pid: string): Promise<boolean> => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''); // it may have ended
    return new RegExp(`^PPid:\\s+${parent}$`, 'm').test(status);
  };
  const flags = await Promise.all(pids.map((pid) => isChild(pid)));
  return pids.filter((_, index) => flags[index]).map(Number);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('No free port to be had.');
  return address.port;
}

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { appendFile, open, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBinaries } from './binaries.ts';
import { account, makeHome } from './cluster-home.ts';
import type { ClusterHome } from './cluster-home.ts';
import { findFreePort } from './free-port.ts';

/** A cluster is up in under a second on an idle machine; a shared one gets far longer. */
const startTimeoutMs = 60_000;
/** pg_ctl's three shutdown modes. */
const shutdownSignals = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

interface ClusterOptions {
  /** 13 to 18; 18 unless given. */
  readonly major?: number;
  /** postgresql.conf settings, such as `{ max_connections: 20 }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Settings given on the command line, which beat ALTER SYSTEM. */
  readonly commandLine?: Readonly<Record<string, string | number>>;
  /** pg_hba.conf lines before `host all all 127.0.0.1/32 trust`. */
  readonly hba?: readonly string[];
  /** Where its files are; a new folder, removed at the end, unless given. */
  readonly findHome?: (major: number) => Promise<ClusterHome>;
}

/** Where and how to freeze: the postmaster and all its children, the postmaster alone, or one process. */
type FreezeScope = 'all' | 'postmaster' | number;

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
  const home = await (options.findHome?.(major) ?? makeHome(major));
  const cluster = new LocalCluster({ major, binaries, home, options });
  try {
    await cluster.configure();
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
  readonly home: ClusterHome;
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
    this.directory = site.home.directory;
    this.dataDirectory = join(this.directory, 'data');
    this.socketDirectory = join(this.directory, 'socket');
    this.#logFile = join(this.directory, 'log');
    // Before the home is removed, which asked to hear of the exit earlier.
    process.prependOnceListener('exit', this.#onExit);
  }

  get port(): number {
    return this.#port;
  }

  url(user = 'postgres', database = 'postgres', password?: string): string {
    const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
    return `postgres://${encodeURIComponent(user)}${secret}@${this.host}:${this.#port}/${database}`;
  }

  async configure(): Promise<void> {
    const hba = (this.#site.options.hba ?? []).join('\n');
    const trusting = 'local all all trust\nhost all all 127.0.0.1/32 trust\n';
    const replication = 'local replication all trust\nhost replication all 127.0.0.1/32 trust\n';
    await writeFile(join(this.dataDirectory, 'pg_hba.conf'), `${hba}\n${trusting}${replication}`);
    const settings = Object.entries(this.#site.options.settings ?? {});
    const lines = settings.map(([name, value]) => `${name} = '${value}'`);
    await appendFile(join(this.dataDirectory, 'postgresql.conf'), `\n${lines.join('\n')}\n`);
  }

  async start(): Promise<void> {
    this.#port = this.#port === 0 ? await findFreePort() : this.#port;
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
      signalIfAlive(pid, 'SIGSTOP'); // a child may have ended meanwhile
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
    await this.#site.home.leave();
  }

  #killNow(): void {
    for (const pid of this.#frozen) signalIfAlive(pid, 'SIGCONT');
    if (this.#postmaster?.pid !== undefined) signalIfAlive(this.#postmaster.pid, 'SIGQUIT');
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

import { createHash } from 'node:crypto';
import { chmod, chown, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { redactText } from '../../src/runbook/snapshot/redaction/redact-text.ts';
import type {
  HostState,
  KeptCopy,
  KeptFile,
  ServerHost,
} from '../../src/runbook/remedies/b-raise-max-connections/ports.ts';
import { PrivilegedUnavailable } from '../../src/runbook/remedies/remedy.ts';
import type { Cluster } from './cluster.ts';

const maxLogLines = 100;

/** The patient's PostgreSQL as if it ran in a container that restarts nothing by itself. */
export function createSandboxServerHost(cluster: Cluster): ServerHost {
  return new SandboxServerHost(cluster);
}

class SandboxServerHost implements ServerHost {
  readonly #cluster: Cluster;
  /** Where the log of the present run begins. */
  #logFrom = 0;
  /** Kept when it ends, as a container's is. */
  #startedAt: string | null = null;
  /** Until a start has ended, well or not; a recovery may take longer than the cluster waits for it. */
  #starting: Promise<void> = Promise.resolve();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  readState(): Promise<HostState> {
    const pid = this.#runningPid();
    if (pid !== undefined) this.#startedAt = `pid ${pid}`;
    return Promise.resolve({
      name: 'postgres-1',
      running: pid !== undefined,
      restarts: 0,
      startedAt: this.#startedAt,
      exitCode: null,
      oomKilled: false,
      memoryBytes: totalmem(),
    });
  }

  async readLog(): Promise<readonly string[]> {
    const log = await this.#cluster.log();
    const lines = log.slice(this.#logFrom).trimEnd().split('\n');
    return lines.slice(-maxLogLines).map((line) => redactText(line));
  }

  async stop(): Promise<void> {
    await this.#cluster.stop('fast');
    await this.#starting;
  }

  async start(): Promise<void> {
    if (this.#runningPid() !== undefined) return;
    this.#logFrom = (await this.#cluster.log()).length;
    // Its own wait ends with an error when PostgreSQL does; whoever asked reads that from the state and the log.
    this.#starting = this.#cluster.start().catch(() => undefined);
    while (this.#runningPid() === undefined && !(await this.#hasStarted())) await yieldOnce();
  }

  async keepCopy({ path, copyPath }: KeptFile): Promise<KeptCopy> {
    return { sha256: hash(await copy(path, copyPath)) };
  }

  async putBack({ path, copyPath }: KeptFile, { sha256 }: KeptCopy): Promise<void> {
    const kept = await readFile(copyPath);
    if (hash(kept) !== sha256) {
      throw new PrivilegedUnavailable('The kept copy is not what was kept. Mend the file by hand.');
    }
    await copy(copyPath, path);
  }

  async removeCopy({ copyPath }: KeptFile): Promise<'removed'> {
    await rm(copyPath, { force: true });
    return 'removed';
  }

  #runningPid(): number | undefined {
    try {
      const pid = this.#cluster.postmasterPid();
      process.kill(pid, 0);
      return pid;
    } catch {
      return undefined; // never started, stopped, or ended by itself
    }
  }

  /** Whether the attempt is over: it may have ended before it was seen. */
  #hasStarted(): Promise<boolean> {
    return Promise.race([this.#starting.then(() => true), yieldOnce().then(() => false)]);
  }
}

function yieldOnce(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 5);
  });
}

/** With owner and mode, or PostgreSQL could not read it. */
async function copy(from: string, to: string): Promise<Buffer> {
  const bytes = await readFile(from);
  const { uid, gid, mode } = await stat(from);
  await writeFile(to, bytes, { mode: 0o600 });
  await chown(to, uid, gid);
  await chmod(to, mode & 0o7777);
  return bytes;
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

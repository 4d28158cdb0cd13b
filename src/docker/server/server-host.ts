import { createHash } from 'node:crypto';
import type Docker from 'dockerode';
import { z } from 'zod';
import type {
  HostState,
  KeptCopy,
  KeptFile,
  ServerHost,
} from '../../runbook/remedies/b-raise-max-connections/ports.ts';
import { PrivilegedUnavailable } from '../../runbook/remedies/remedy.ts';
import { cutCodePoints, redactText } from '../../runbook/snapshot/redaction/redact-text.ts';
import { Inspected, findContainers, readStartedAt } from '../containers.ts';
import { DockerFailure, readStatus, toProblem } from '../failure.ts';
import { readLogLines } from '../logs/read-logs.ts';
import { withinBudget } from '../within-budget.ts';
import { readContainerFile, removeContainerFile, writeContainerFile } from './container-files.ts';
import type { TarFile } from './container-files.ts';
import { stopServer } from './stop-server.ts';

interface ServerHostOptions {
  readonly docker: Docker;
  readonly project: string;
  /** The compose service PostgreSQL runs in. */
  readonly postgresService: string;
}

const callMs = 5_000;
/** What Docker needs for networks, mounts and the start. */
const startMs = 20_000;
/** Docker notes the start once its runtime has answered; a busy machine may have written, and ended, before. */
const startNotedLateMs = 2_000;
const maxLogLines = 100;
const maxLineLength = 300;

/** PostgreSQL's container, as option B needs it. */
export function createServerHost(options: ServerHostOptions): ServerHost {
  const host = new ContainerHost(options);
  return {
    readState: () => host.told(() => host.readState(), 'read'),
    readLog: () => host.readLog(),
    stop: () => host.told(() => host.stop()),
    start: () => host.told(() => host.start()),
    keepCopy: (files) => host.told(() => host.keepCopy(files)),
    putBack: (files, kept) => host.told(() => host.putBack(files, kept)),
    removeCopy: (files) => host.told(() => host.removeCopy(files)),
  };
}

/** Of `docker inspect` and `docker info` what is asked beside a replica's state. */
const Limits = z.object({
  HostConfig: z.object({ Memory: z.number().nullish() }).nullish(),
});
const Machine = z.object({ MemTotal: z.number().nullish() });

interface Inspection {
  readonly inspected: Inspected;
  readonly limitBytes: number;
}

class ContainerHost {
  readonly #options: ServerHostOptions;

  constructor(options: ServerHostOptions) {
    this.#options = options;
  }

  /** Docker's errors in words for the operator. */
  async told<T>(work: () => Promise<T>, action: 'read' | 'server' = 'server'): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof PrivilegedUnavailable) throw error;
      const { summary, fix } = toProblem(error, 'the container of PostgreSQL', action);
      throw new PrivilegedUnavailable([summary, fix ?? ''].join(' ').trim(), { cause: error });
    }
  }

  async readState(): Promise<HostState> {
    const { inspected, limitBytes } = await this.#inspect(await this.#find());
    const { State: state } = inspected;
    return {
      name: inspected.Name.replace(/^\//, ''),
      running: state.Running && state.Restarting !== true,
      restarts: inspected.RestartCount ?? 0,
      startedAt: readStartedAt(inspected),
      exitCode: state.Running ? null : (state.ExitCode ?? null),
      oomKilled: state.OOMKilled ?? false,
      memoryBytes: limitBytes > 0 ? limitBytes : await this.#readMachineMemory(),
    };
  }

  async readLog(): Promise<readonly string[]> {
    try {
      const id = await this.#find();
      const since = Date.parse(readStartedAt((await this.#inspect(id)).inspected) ?? '');
      const { lines } = await readLogLines(this.#options.docker, id, {
        tail: maxLogLines,
        ...(!Number.isNaN(since) && { sinceMs: since - startNotedLateMs }),
        maxBytes: 256 * 1024,
        budgetMs: callMs,
      });
      return lines.map(({ text }) => cutCodePoints(redactText(text.trim()), maxLineLength));
    } catch {
      return []; // the caller goes by the container's state then
    }
  }

  async stop(): Promise<void> {
    await stopServer(this.#options.docker, await this.#find());
  }

  async start(): Promise<void> {
    const { docker } = this.#options;
    const id = await this.#find();
    try {
      await withinBudget(startMs, (abortSignal) => docker.getContainer(id).start({ abortSignal }));
    } catch (error) {
      // 304: it runs already.
      if (readStatus(error) !== 304) throw error;
    }
  }

  async keepCopy({ path, copyPath }: KeptFile): Promise<KeptCopy> {
    const id = await this.#find();
    const file = await this.#read(id, path);
    await this.#write(id, copyPath, file);
    const copy = await this.#read(id, copyPath);
    const sha256 = hash(file);
    if (hash(copy) !== sha256) throw new DockerFailure(notKept);
    return { sha256 };
  }

  async putBack({ path, copyPath }: KeptFile, { sha256 }: KeptCopy): Promise<void> {
    const id = await this.#find();
    const copy = await this.#read(id, copyPath);
    if (hash(copy) !== sha256) throw new DockerFailure(changed);
    await this.#write(id, path, copy);
    if (hash(await this.#read(id, path)) !== sha256) throw new DockerFailure(notKept);
  }

  async removeCopy({ copyPath }: KeptFile): Promise<'removed' | 'emptied'> {
    const { docker } = this.#options;
    const id = await this.#find();
    const copy = await readContainerFile(docker, id, copyPath);
    if (copy === undefined) return 'removed';
    if (await removeContainerFile(docker, id, copyPath)) return 'removed';
    // Its content is what must not stay.
    await this.#write(id, copyPath, { ...copy, bytes: Buffer.alloc(0) });
    return 'emptied';
  }

  /** The one container of the service: of several nobody can say which is meant. */
  async #find(): Promise<string> {
    const { docker, project, postgresService: service } = this.#options;
    const found = (await findContainers(docker, project, callMs)).get(service) ?? [];
    const [only, ...more] = found;
    if (only !== undefined && more.length === 0) return only.id;
    throw new DockerFailure({
      kind: 'missing',
      summary: `The compose project ${project} has ${found.length} containers of the service ${service}, and it takes exactly one.`,
      fix: 'See `docker compose ps -a`, and compose.postgres in dbconn.yml.',
    });
  }

  async #inspect(id: string): Promise<Inspection> {
    const answer = await withinBudget(callMs, (abortSignal) =>
      this.#options.docker.getContainer(id).inspect({ abortSignal }),
    );
    const { HostConfig: host } = Limits.parse(answer);
    return {
      inspected: Inspected.parse(answer),
      limitBytes: host?.Memory ?? 0,
    };
  }

  /** A proxy may keep this to itself; then nobody knows. */
  async #readMachineMemory(): Promise<number | null> {
    try {
      const answer: unknown = await withinBudget(callMs, () => this.#options.docker.info());
      return Machine.parse(answer).MemTotal ?? null;
    } catch {
      return null;
    }
  }

  async #read(id: string, path: string): Promise<TarFile> {
    const file = await readContainerFile(this.#options.docker, id, path);
    if (file !== undefined) return file;
    throw new DockerFailure({
      kind: 'missing',
      summary: `The container of PostgreSQL has no file ${path}.`,
      fix: 'See that its data directory is in this container.',
    });
  }

  async #write(id: string, path: string, file: TarFile): Promise<void> {
    await writeContainerFile(this.#options.docker, id, { ...file, path });
  }
}

function hash({ bytes }: TarFile): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const notKept = {
  kind: 'invalid',
  summary: 'A file written into the container of PostgreSQL was not there as written.',
  fix: 'See whether its volume is full or read-only.',
} as const;

const changed = {
  kind: 'invalid',
  summary: 'The kept copy of postgresql.auto.conf is not what was kept, and was left alone.',
  fix: 'Take max_connections out of postgresql.auto.conf by hand, and start PostgreSQL.',
} as const;

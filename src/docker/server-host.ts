import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { z } from 'zod';
import type {
  HostState,
  KeptCopy,
  KeptFile,
  ServerHost,
} from '../runbook/remedies/b-raise-max-connections/ports.ts';
import { PrivilegedUnavailable } from '../runbook/remedies/remedy.ts';
import { cutCodePoints, redactText } from '../runbook/snapshot/redaction/redact-text.ts';
import { poll, withTimeout } from '../timing.ts';
import { pollMs, request } from './after-start.ts';
import { Inspected, findContainers, inspect, readStartedAt } from './containers.ts';
import { DockerFailure, readStatus, toProblem } from './failure.ts';
import { readLogLines } from './logs/read-logs.ts';
import { readContainerFile, removeContainerFile, writeContainerFile } from './container-files.ts';
import type { TarFile } from './container-files.ts';

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

/** A kill in the middle of the shutdown's checkpoint makes the next start a crash recovery. */
const stopTimeoutSeconds = 300;
/** What Docker needs around it. */
const stopMs = stopTimeoutSeconds * 1000 + 20_000;

/** Of `docker info`. */
const Machine = z.object({ MemTotal: z.number().nullish() });

/** PostgreSQL's container, as option B needs it. */
export class ContainerHost implements ServerHost {
  readonly #options: ServerHostOptions;

  constructor(options: ServerHostOptions) {
    this.#options = options;
  }

  readState(): Promise<HostState> {
    return told('read', async () => {
      const inspected = await this.#inspect(await this.#find());
      const { State: state } = inspected;
      const limitBytes = inspected.HostConfig?.Memory ?? 0;
      return {
        name: inspected.Name.replace(/^\//, ''),
        running: state.Running && state.Restarting !== true,
        restarts: inspected.RestartCount ?? 0,
        startedAt: readStartedAt(inspected),
        exitCode: state.Running ? null : (state.ExitCode ?? null),
        oomKilled: state.OOMKilled ?? false,
        memoryBytes: limitBytes > 0 ? limitBytes : await this.#readMachineMemory(),
      };
    });
  }

  async readLog(): Promise<readonly string[]> {
    try {
      const id = await this.#find();
      const since = Date.parse(readStartedAt(await this.#inspect(id)) ?? '');
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

  stop(): Promise<void> {
    return told('server', async () => this.#stop(await this.#find()));
  }

  start(): Promise<void> {
    return told('server', async () => {
      const container = this.#options.docker.getContainer(await this.#find());
      const refusal = await request(startMs, (abortSignal) => container.start({ abortSignal }));
      if (refusal !== undefined) throw refusal.error;
    });
  }

  keepCopy({ path, copyPath }: KeptFile): Promise<KeptCopy> {
    return told('server', async () => {
      const id = await this.#find();
      const file = await this.#read(id, path);
      await this.#write(id, copyPath, file);
      const copy = await this.#read(id, copyPath);
      const sha256 = hash(file);
      if (hash(copy) !== sha256) throw new DockerFailure(notKept);
      return { sha256 };
    });
  }

  putBack({ path, copyPath }: KeptFile, { sha256 }: KeptCopy): Promise<void> {
    return told('server', async () => {
      const id = await this.#find();
      const copy = await this.#read(id, copyPath);
      if (hash(copy) !== sha256) throw new DockerFailure(changed);
      await this.#write(id, path, copy);
      if (hash(await this.#read(id, path)) !== sha256) throw new DockerFailure(notKept);
    });
  }

  removeCopy({ copyPath }: KeptFile): Promise<'removed' | 'emptied'> {
    return told('server', async () => {
      const { docker } = this.#options;
      const id = await this.#find();
      const copy = await readContainerFile(docker, id, copyPath);
      if (copy === undefined) return 'removed';
      if (await removeContainerFile(docker, id, copyPath)) return 'removed';
      // Its content is what must not stay.
      await this.#write(id, copyPath, { ...copy, bytes: Buffer.alloc(0) });
      return 'emptied';
    });
  }

  /** Ends the container by a fast shutdown, and keeps the engine from starting it again by itself. Returns when it is down. */
  async #stop(id: string): Promise<void> {
    const deadline = Date.now() + stopMs;
    const container = this.#options.docker.getContainer(id);
    const signal = (await this.#inspect(id)).Config.StopSignal;
    const asked = request(stopMs, (abortSignal) => {
      // dockerode would send the query's fields, signal and all, as the body too.
      const options = { abortSignal, _query: { t: stopTimeoutSeconds }, _body: {} };
      return container.stop(options);
    });
    // SIGTERM waits for every client to leave by itself (smart shutdown), until Docker kills it; SIGINT after it
    // ends them. The engine has noted by then that it is not to be started again.
    if (signal !== 'SIGINT') await this.#interrupt(id);
    const refusal = await asked;
    await poll({ everyMs: pollMs }, async () => {
      const { State: state } = await this.#inspect(id);
      if (!state.Running && state.Restarting !== true) return true;
      // A proxy may cut the call short; the engine goes on with it all the same.
      if (refusal?.isFinal === true) throw refusal.error;
      if (Date.now() >= deadline) throw new DockerFailure(notStopped);
      return undefined;
    });
  }

  async #interrupt(id: string): Promise<void> {
    await sleep(pollMs);
    try {
      await withTimeout(callMs, (abortSignal) =>
        this.#options.docker
          .getContainer(id)
          .kill({ abortSignal, _query: { signal: 'SIGINT' }, _body: {} }),
      );
    } catch (error) {
      // 409: it has ended already.
      if (readStatus(error) !== 409) throw error;
    }
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

  #inspect(id: string): Promise<Inspected> {
    return inspect(this.#options.docker, id, { as: Inspected, budgetMs: callMs });
  }

  /** A proxy may keep this to itself; then nobody knows. */
  async #readMachineMemory(): Promise<number | null> {
    try {
      const answer: unknown = await withTimeout(callMs, () => this.#options.docker.info());
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

/** Docker's errors in words for the operator. */
async function told<T>(action: 'read' | 'server', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { summary, fix } = toProblem(error, 'the container of PostgreSQL', action);
    throw new PrivilegedUnavailable([summary, fix ?? ''].join(' ').trim(), { cause: error });
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

const notStopped = {
  kind: 'timeout',
  summary: `PostgreSQL had not stopped after ${stopTimeoutSeconds} s.`,
  fix: 'Read its log, and see `docker ps`.',
} as const;

import type Docker from 'dockerode';
import type { ServicePermissions, Services } from '../runbook/snapshot/ports.ts';
import type {
  Part,
  Problem,
  ReplicaReading,
  ServiceLogs,
  ServiceReading,
  ServicesReading,
} from '../runbook/snapshot/snapshot.ts';
import type { ServiceConfig } from '../runbook/snapshot/target.ts';
import type { Clock } from '../timing.ts';
import { probeDocker } from './connect.ts';
import {
  Inspected,
  findContainers,
  inspect,
  maxReplicas,
  toReplica,
  toReplicaFromList,
} from './containers.ts';
import type { FoundContainer } from './containers.ts';
import { toProblem } from './failure.ts';
import { readProbeLogins } from './logs/health-checks.ts';
import type { ProbeLogins } from './logs/health-checks.ts';
import { readContainerLogs } from './logs/read-logs.ts';
import { readPostgresProcesses } from './postgres-processes.ts';
import type { PostgresProcesses } from './postgres-processes.ts';
import { readFixedPool } from './project/pool-origins.ts';
import { readOwnPaths, usualEnvFile } from './project/project.ts';

interface ServicesOptions {
  readonly docker: Docker;
  /** The compose project's name. */
  readonly project: string;
  readonly services: readonly ServiceConfig[];
  /** The compose service PostgreSQL runs in, when it runs in a container at all. */
  readonly postgresService?: string;
  /** Log records per container, from the end. */
  readonly logTail: number;
  /** Where the project's files are, to say which pools can be resized from here. */
  readonly files?: { readonly directory: string; readonly envFile?: string };
  /** Only log records younger than this. */
  readonly logSinceMs?: number;
  readonly clock: Clock;
  readonly budgets?: Budgets;
}

interface Budgets {
  /** For one call about one container. */
  readonly callMs: number;
  /** For a whole reading, list and all. */
  readonly readingMs: number;
}

/** A snapshot waits 3 s for each part and would drop what comes later. */
const defaultBudgets: Budgets = { callMs: 2_000, readingMs: 2_700 };
/** Of each log the newest megabyte; of all logs of one snapshot together eight, as the bot shall stay small. */
const maxLogBytes = 1024 * 1024;
const maxAllLogBytes = 8 * maxLogBytes;

/** The containers around a target, by compose labels. Every container has its own time; none waits for another. */
export class DockerServices implements Services {
  readonly #options: ServicesOptions;
  readonly #budgets: Budgets;
  /** PostgreSQL's own service stands last, so that its state and log are read too. */
  readonly #names: readonly string[];

  constructor(options: ServicesOptions) {
    const { services, postgresService } = options;
    this.#options = options;
    this.#budgets = options.budgets ?? defaultBudgets;
    this.#names = [
      ...new Set([
        ...services.map(({ name }) => name),
        ...(postgresService === undefined ? [] : [postgresService]),
      ]),
    ];
  }

  readPermissions(): Promise<ServicePermissions> {
    return probeDocker(this.#options.docker);
  }

  async #part<T>(read: (deadline: number) => Promise<T>): Promise<Part<T>> {
    const { clock, project } = this.#options;
    const began = clock.now();
    try {
      const value = await read(began + this.#budgets.readingMs);
      return { ok: true, tookMs: clock.now() - began, value };
    } catch (error) {
      const problem = toProblem(error, `the containers of project ${project}`);
      return { ok: false, tookMs: clock.now() - began, problem };
    }
  }

  readServices(): Promise<Part<ServicesReading>> {
    return this.#part((deadline) => this.#readAll(deadline));
  }

  async #readAll(deadline: number): Promise<ServicesReading> {
    const found = await this.#find(deadline);
    const { postgresService } = this.#options;
    const postgres = found.get(postgresService ?? '')?.find(({ state }) => state === 'running');
    const [services, titles] = await Promise.all([
      Promise.all(this.#names.map((name) => this.#readService(name, found.get(name), deadline))),
      postgres === undefined ? undefined : this.#readTitles(postgres, deadline),
    ]);
    return {
      services: services.map((service) =>
        service.name === postgresService && titles?.problem !== undefined
          ? { problem: titles.problem, ...service }
          : service,
      ),
      ...(titles?.processes !== undefined && { postgresProcesses: titles.processes }),
    };
  }

  readLogs(): Promise<Part<readonly ServiceLogs[]>> {
    return this.#part((deadline) => this.#readAllLogs(deadline));
  }

  async #readAllLogs(deadline: number): Promise<readonly ServiceLogs[]> {
    const found = await this.#find(deadline);
    const containers = this.#names.flatMap((name) => (found.get(name) ?? []).slice(0, maxReplicas));
    const { clock, logTail: tail, logSinceMs } = this.#options;
    const bounds = {
      tail,
      ...(logSinceMs !== undefined && { sinceMs: clock.now() - logSinceMs }),
      maxBytes: Math.min(maxLogBytes, Math.floor(maxAllLogBytes / Math.max(1, containers.length))),
      budgetMs: this.#remaining(deadline),
    };
    const { docker, postgresService } = this.#options;
    let logins: Promise<ProbeLogins> | undefined;
    const readLogins = (): Promise<ProbeLogins> =>
      (logins ??= readProbeLogins(docker, found, this.#remaining(deadline)));
    return Promise.all(
      containers.map((container) => {
        const isServer = container.service === postgresService;
        const source = { docker, clock, ...(isServer && { readProbeLogins: readLogins }) };
        return readContainerLogs(source, container, bounds);
      }),
    );
  }

  #find(deadline: number): Promise<ReadonlyMap<string, readonly FoundContainer[]>> {
    const { docker, project } = this.#options;
    return findContainers(docker, project, this.#remaining(deadline));
  }

  async #readService(
    name: string,
    containers: readonly FoundContainer[] | undefined,
    deadline: number,
  ): Promise<ServiceReading> {
    const { project } = this.#options;
    if (containers === undefined) return { name, replicas: [], problem: notFound(project, name) };
    const read = await Promise.all(
      containers.slice(0, maxReplicas).map((found) => this.#readReplica(found, deadline)),
    );
    const problem =
      read.find(({ problem }) => problem !== undefined)?.problem ??
      (containers.length > maxReplicas ? tooMany(name, containers.length) : undefined);
    const replicas = read.map(({ replica }) => replica);
    const inspected = read.flatMap(({ inspected: one }) => (one === undefined ? [] : [one]));
    const fixedPool = await this.#readFixedPool(name, inspected);
    return {
      name,
      replicas,
      ...(fixedPool !== undefined && { fixedPool }),
      ...(problem !== undefined && { problem }),
    };
  }

  async #readFixedPool(
    service: string,
    containers: readonly Inspected[],
  ): Promise<ServiceReading['fixedPool']> {
    const { docker, files, services } = this.#options;
    const config = services.find(({ name }) => name === service);
    if (files === undefined || config === undefined) return undefined;
    const { directory, envFile = usualEnvFile } = files;
    const toOwnPath = await readOwnPaths(docker);
    return readFixedPool({ directory, envFile, toOwnPath, service, config }, containers);
  }

  async #readReplica(
    found: FoundContainer,
    deadline: number,
  ): Promise<{
    readonly replica: ReplicaReading;
    readonly inspected?: Inspected;
    readonly problem?: Problem;
  }> {
    const { docker, services } = this.#options;
    try {
      const budgetMs = this.#remaining(deadline);
      const inspected = await inspect(docker, found.id, { as: Inspected, budgetMs });
      const service = services.find(({ name }) => name === found.service);
      return { replica: toReplica(found, inspected, service), inspected };
    } catch (error) {
      const problem = toProblem(error, `container ${found.name}`);
      return { replica: toReplicaFromList(found), problem };
    }
  }

  async #readTitles(
    postgres: FoundContainer,
    deadline: number,
  ): Promise<{ readonly processes?: PostgresProcesses; readonly problem?: Problem }> {
    const { docker } = this.#options;
    try {
      const budgetMs = this.#remaining(deadline);
      return { processes: await readPostgresProcesses(docker, postgres.id, budgetMs) };
    } catch (error) {
      return { problem: toProblem(error, `the processes of ${postgres.name}`) };
    }
  }

  /** At least a moment, so that a call that could answer at once still does. */
  #remaining(deadline: number): number {
    const left = deadline - this.#options.clock.now();
    return Math.min(this.#budgets.callMs, Math.max(100, left));
  }
}

function notFound(project: string, service: string): Problem {
  return {
    kind: 'missing',
    summary: `Docker has no container of the service ${service} in the compose project ${project}.`,
    fix: 'Compare the names in dbconn.yml with `docker compose ls` and `docker compose ps -a`.',
  };
}

function tooMany(service: string, count: number): Problem {
  return {
    kind: 'unsupported',
    summary: `Of the ${count} replicas of ${service} only the first ${maxReplicas} were checked.`,
  };
}

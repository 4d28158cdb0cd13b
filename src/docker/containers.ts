import { createHmac, randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import { z } from 'zod';
import type { Problem, ReplicaReading } from '../runbook/snapshot/snapshot.ts';
import type { ServiceConfig } from '../runbook/snapshot/target.ts';
import { readStatus, toProblem } from './failure.ts';
import { readPoolSettings, readPoolVariables } from './pool-settings.ts';
import { withTimeout } from '../timing.ts';

/** One container of a compose service, as the engine's list shows it. */
export interface FoundContainer {
  /** The full id: a short one can become ambiguous, a name can pass to another container. */
  readonly id: string;
  readonly name: string;
  readonly service: string;
  /** The replica's number; 0 when the label is missing. */
  readonly number: number;
  /** `running`, `exited`, `restarting`, `created`, `paused`, `dead`. */
  readonly state: string;
  /** The engine's words, such as `Up 3 minutes (healthy)`. */
  readonly status: string;
}

/** Replicas of one service that are read; a service with more shows in its count, not in memory. */
export const maxReplicas = 50;

const Listed = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()).nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
    State: z.string(),
    Status: z.string(),
  }),
);

/**
 * All containers of a compose project, stopped ones too, by service and number. Labels only: names differ
 * between Compose 1, Compose 2 and podman-compose. One-offs of `run` are left out: they are nobody's replica.
 * Throws what dockerode throws, or TimedOut.
 */
export async function findContainers(
  docker: Docker,
  project: string,
  budgetMs: number,
): Promise<ReadonlyMap<string, readonly FoundContainer[]>> {
  const listed = await withTimeout(budgetMs, (abortSignal) =>
    docker.listContainers({
      all: true,
      filters: { label: [`com.docker.compose.project=${project}`] },
      abortSignal,
    }),
  );
  const own = Listed.parse(listed).filter((one) => !isOneOff(one));
  const byService = Map.groupBy(own.map(toContainer), ({ service }) => service);
  for (const containers of byService.values()) {
    containers.sort((a, b) => a.number - b.number || a.name.localeCompare(b.name));
  }
  return byService;
}

/**
 * Compose says so by a label. podman-compose has none, and gives a container of `run` the number of a replica: only the
 * name that it makes up (`shop_backend_tmp4711`) tells it apart.
 */
function isOneOff(listed: z.infer<typeof Listed>[number]): boolean {
  const { 'com.docker.compose.oneoff': oneoff, ...labels } = listed.Labels ?? {};
  if (oneoff !== undefined) return oneoff.toLowerCase() === 'true';
  if (labels['io.podman.compose.project'] === undefined) return false;
  return (listed.Names ?? []).some((name) => /[_-]tmp\d{1,5}$/.test(name));
}

function toContainer(listed: z.infer<typeof Listed>[number]): FoundContainer {
  const labels = listed.Labels ?? {};
  // A linked container also carries names such as `/web/db`; its own is the one without a second slash.
  const name = listed.Names?.find((name) => name.lastIndexOf('/') === 0) ?? listed.Names?.[0];
  return {
    id: listed.Id,
    name: name?.replace(/^\//, '') ?? listed.Id.slice(0, 12),
    service: labels['com.docker.compose.service'] ?? '',
    number: Number(labels['com.docker.compose.container-number'] ?? 0) || 0,
    state: listed.State,
    status: listed.Status,
  };
}

/** More variables than these no service is configured by. */
const mostVariables = 200;
/** Each process makes its own: a short value, such as a pool's size, could be guessed from a plain hash. */
const key = randomBytes(32);

/**
 * A short hash of the value of each environment variable, by its name, so that a changed value can be told and never
 * shown. Equal values have equal hashes within this process alone.
 */
export function hashVariables(environment: readonly string[]): Readonly<Record<string, string>> {
  const found = environment.flatMap((entry): (readonly [string, string])[] => {
    const [, name, value] = /^(?<name>[A-Za-z_]\w{0,99})=(?<value>[^]*)$/.exec(entry) ?? [];
    return name === undefined || value === undefined ? [] : [[name, hash(value)]];
  });
  return Object.fromEntries(found.slice(0, mostVariables));
}

function hash(value: string): string {
  return createHmac('sha256', key).update(value).digest('hex').slice(0, 12);
}

/** What dbconn reads of `docker inspect`. Podman and old engines leave out what is nullish here. */
export const Inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  Image: z.string().nullish(),
  Created: z.string().nullish(),
  RestartCount: z.number().nullish(),
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    Restarting: z.boolean().nullish(),
    OOMKilled: z.boolean().nullish(),
    ExitCode: z.number().nullish(),
    StartedAt: z.string().nullish(),
    Health: z
      .object({
        Status: z.string(),
        Log: z.array(z.object({ Start: z.string(), Output: z.string().nullish() })).nullish(),
      })
      .nullish(),
  }),
  Config: z.object({
    Env: z.array(z.string()).nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
    StopSignal: z.string().nullish(),
    User: z.string().nullish(),
    // Loose, as a container is recreated from this: its intervals go along.
    Healthcheck: z.looseObject({ Test: z.array(z.string()).nullish() }).nullish(),
  }),
  HostConfig: z.object({ Memory: z.number().nullish() }).nullish(),
  Mounts: z.array(z.object({ Source: z.string().nullish(), Destination: z.string() })).nullish(),
  NetworkSettings: z
    .object({
      Networks: z
        .record(
          z.string(),
          z.object({
            IPAddress: z.string().nullish(),
            GlobalIPv6Address: z.string().nullish(),
          }),
        )
        .nullish(),
    })
    .nullish(),
});
export type Inspected = z.infer<typeof Inspected>;

const inspectMs = 2_000;

/** A container by its id or name, read as this. Throws what dockerode throws, TimedOut or a ZodError. */
export async function inspect<T>(
  docker: Docker,
  idOrName: string,
  { as, budgetMs = inspectMs }: { readonly as: z.ZodType<T>; readonly budgetMs?: number },
): Promise<T> {
  const answer = await withTimeout(budgetMs, (abortSignal) =>
    docker.getContainer(idOrName).inspect({ abortSignal }),
  );
  return as.parse(answer);
}

/** A container, or why it cannot be told how it is; `gone` when Docker says that there is none. */
export type Observation<T = Inspected> =
  | { readonly inspected: T; readonly gone?: undefined; readonly problem?: undefined }
  | { readonly inspected: null; readonly gone: boolean; readonly problem: Problem };

/** The same, and never throws. */
export async function observe<T>(
  docker: Docker,
  idOrName: string,
  as: z.ZodType<T>,
): Promise<Observation<T>> {
  try {
    return { inspected: await inspect(docker, idOrName, { as }) };
  } catch (error) {
    const problem = toProblem(error, `container ${idOrName.slice(0, 60)}`);
    // A proxy may answer 404 too; then the problem is another one than a missing container.
    const gone = readStatus(error) === 404 && problem.kind === 'missing';
    return { inspected: null, gone, problem };
  }
}

/** A replica from its inspection. Of its environment the pool's numbers and their names are read, and whether a value changed. */
export function toReplica(
  found: FoundContainer,
  inspected: Inspected,
  service?: ServiceConfig,
): ReplicaReading {
  const { State: state } = inspected;
  const environment = inspected.Config.Env ?? [];
  const running = state.Running && state.Restarting !== true;
  return {
    id: inspected.Id.slice(0, 12),
    name: found.name,
    number: found.number,
    ...(inspected.Image != null && {
      imageId: inspected.Image.replace(/^sha256:/, '').slice(0, 12),
    }),
    ...(inspected.Created != null && { createdAt: inspected.Created }),
    variables: hashVariables(environment),
    state: state.Status,
    health: readHealth(inspected),
    startedAt: readStartedAt(inspected),
    restarts: inspected.RestartCount ?? 0,
    // A running container still shows its last run's code as 0, or worse, the code of the run before.
    exitCode: running ? null : (state.ExitCode ?? null),
    oomKilled: state.OOMKilled ?? false,
    addresses: readAddresses(inspected),
    pool: readPoolSettings(environment, service),
    poolVariables: readPoolVariables(environment, service),
  };
}

/** A replica whose inspection failed: what the list alone tells. */
export function toReplicaFromList(found: FoundContainer): ReplicaReading {
  return {
    id: found.id.slice(0, 12),
    name: found.name,
    number: found.number,
    state: found.state,
    health: healthInWords(found.status),
    startedAt: null,
    restarts: 0,
    exitCode: null,
    oomKilled: false,
    addresses: [],
    pool: readPoolSettings([]),
  };
}

/** Null when it was never started; Docker then writes the year 1. */
export function readStartedAt({ State: { StartedAt: startedAt } }: Inspected): string | null {
  return startedAt == null || startedAt.startsWith('0001-') ? null : startedAt;
}

/**
 * The health of the present run. A stopped container keeps its last verdict, and right after a restart the
 * log still holds the results of the run before: neither says anything about now.
 */
export function readHealth(inspected: Inspected): ReplicaReading['health'] {
  const { Health: health, Running: running } = inspected.State;
  if (health == null || !running) return 'none';
  switch (health.Status) {
    case 'healthy':
    case 'unhealthy':
      return readHealthOutput(inspected) === null ? 'starting' : health.Status;
    case 'starting':
      return 'starting';
    default:
      return 'none';
  }
}

/** What the latest health check of the present run printed; null when none has ended yet. */
export function readHealthOutput(inspected: Inspected): string | null {
  const startedAt = Date.parse(readStartedAt(inspected) ?? '');
  const last = inspected.State.Health?.Log?.findLast(
    ({ Start }) => !(Date.parse(Start) < startedAt),
  );
  return last === undefined ? null : (last.Output ?? '');
}

function healthInWords(status: string): ReplicaReading['health'] {
  if (status.includes('(healthy)')) return 'healthy';
  if (status.includes('(unhealthy)')) return 'unhealthy';
  return status.includes('(health: starting)') ? 'starting' : 'none';
}

function readAddresses({ NetworkSettings: settings }: Inspected): string[] {
  return Object.values(settings?.Networks ?? {})
    .flatMap(({ IPAddress: v4, GlobalIPv6Address: v6 }) => [v4 ?? '', v6 ?? ''])
    .filter((address) => address !== '');
}

import { z } from 'zod';
import type { ReplicaReading } from '../runbook/snapshot/snapshot.ts';
import type { FoundContainer } from './find.ts';
import type { ServiceConfig } from '../runbook/snapshot/target.ts';
import { readPoolSettings, readPoolVariables } from '../docker/pool-settings.ts';
import { hashVariables } from './variable-hashes.ts';

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
  }),
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

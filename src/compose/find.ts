import type Docker from 'dockerode';
import { z } from 'zod';
import { withinBudget } from '../docker/within-budget.ts';

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

/** Replicas of one service that are looked at; a service with more shows in its count, not in memory. */
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
 * Throws what dockerode throws, or BudgetExceeded.
 */
export async function findContainers(
  docker: Docker,
  project: string,
  budgetMs: number,
): Promise<ReadonlyMap<string, readonly FoundContainer[]>> {
  const listed = await withinBudget(budgetMs, (abortSignal) =>
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

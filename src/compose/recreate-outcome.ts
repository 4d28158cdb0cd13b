import type Docker from 'dockerode';
import type { Problem } from '../runbook/snapshot/snapshot.ts';
import type {
  PoolEnvironment,
  RecreateOutcome,
  ReplicaName,
} from '../runbook/ports/pool-settings.ts';
import type { ServiceConfig } from '../runbook/snapshot/target.ts';
import { readPoolSettings } from '../docker/pool-settings.ts';
import type { Recreatable } from '../docker/recreate/container-spec.ts';

/** Where containers are made anew, and what their services call their pools' numbers. */
export interface RecreateContext {
  readonly docker: Docker;
  readonly services: readonly ServiceConfig[];
}

const unchanged = { ended: null, exitCode: null, lastLogLines: [] };

interface OutcomeParts extends Partial<RecreateOutcome> {
  readonly result: RecreateOutcome['result'];
  readonly inspected: Recreatable;
}

/** What became of a replica, told by the container that has its name. */
export function describe(
  context: RecreateContext,
  { inspected, ...told }: OutcomeParts,
): RecreateOutcome {
  const environment = readEnvironment(context, inspected);
  return { ...unchanged, id: inspected.Id.slice(0, 12), environment, ...told };
}

export function unknown(problem: Problem): RecreateOutcome {
  return { ...unchanged, result: 'unknown', id: null, environment: null, problem };
}

export function readEnvironment(context: RecreateContext, inspected: Recreatable): PoolEnvironment {
  const { size, maxOverflow } = readPoolSettings(
    inspected.Config.Env ?? [],
    namingOf(context, inspected),
  );
  return { poolSize: size, maxOverflow };
}

/** What is configured of the service a container belongs to. */
export function namingOf(
  { services }: Pick<RecreateContext, 'services'>,
  { Config: { Labels: labels } }: Pick<Recreatable, 'Config'>,
): ServiceConfig | undefined {
  return services.find(({ name }) => name === labels?.['com.docker.compose.service']);
}

export function missing({ name }: ReplicaName): Problem {
  return {
    kind: 'missing',
    summary: `Docker knows no container ${name}.`,
    fix: 'It was removed or replaced; look with `docker compose ps -a`.',
  };
}

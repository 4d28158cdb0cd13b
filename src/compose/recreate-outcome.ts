import type { Problem } from '../runbook/diagnose/snapshot.ts';
import type {
  PoolEnvironment,
  RecreateOutcome,
  ReplicaName,
} from '../runbook/ports/pool-settings.ts';
import { readPoolSettings } from './pool-settings.ts';
import type { Recreatable } from './recreate-spec.ts';

const unchanged = { ended: null, exitCode: null, lastLogLines: [] };

/** What became of a replica, told by the container that has its name. */
export function describe(
  result: RecreateOutcome['result'],
  seen: Recreatable,
  more: Partial<RecreateOutcome> = {},
): RecreateOutcome {
  const environment = readEnvironment(seen);
  return { ...unchanged, result, id: seen.Id.slice(0, 12), environment, ...more };
}

export function unknown(problem: Problem): RecreateOutcome {
  return { ...unchanged, result: 'unknown', id: null, environment: null, problem };
}

export function readEnvironment({ Config: config }: Recreatable): PoolEnvironment {
  const { size, maxOverflow } = readPoolSettings(config.Env ?? []);
  return { poolSize: size, maxOverflow };
}

export function missing({ name }: ReplicaName): Problem {
  return {
    kind: 'missing',
    summary: `Docker knows no container ${name}.`,
    fix: 'It was removed or replaced; look with `docker compose ps -a`.',
  };
}

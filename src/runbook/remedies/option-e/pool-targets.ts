import type { Resize } from '../../ports/pool-settings.ts';
import type { Plan } from '../plan.ts';
import type { PoolTarget } from '../targets/pool.ts';
import type { ReplicaTarget } from '../targets/replica.ts';

/** The numbers of a plan of option E. */
export function poolOf({ targets }: Pick<Plan, 'targets'>): PoolTarget {
  const pool = targets.find((target) => target.kind === 'pool');
  if (pool === undefined) throw new Error('A plan of option E names the pool it resizes.');
  return pool;
}

/** The containers that get them, in their order. */
export function replicasOf(targets: Plan['targets']): ReplicaTarget[] {
  return targets.filter((target) => target.kind === 'replica');
}

/** The same as it is asked of the files. */
export function resizeOf(plan: Pick<Plan, 'targets'>): Resize {
  const { service, to } = poolOf(plan);
  return { service, ids: replicasOf(plan.targets).map(({ id }) => id), to };
}

import type { ReplicaReading } from '../../snapshot/snapshot.ts';
import { whyNotRunning } from '../service-replicas.ts';
import type { ReplicaTarget } from '../targets/replica.ts';

/** Why a replica of a plan is not any more what was approved. */
export function whyChanged(
  target: ReplicaTarget,
  now: ReplicaReading | undefined,
): string | undefined {
  if (now === undefined) return 'it is not there any more, or could not be seen';
  return now.startedAt === target.startedAt ? whyNotRunning(now) : 'it has been restarted since';
}

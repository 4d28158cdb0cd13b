import { activityOf } from '../activity.ts';
import type { ServicePlan } from '../fleet.ts';
import type { Scene, SceneContext } from './scene.ts';

/** The time in which the leak empties the pool: slow enough to watch it grow. */
const leakOverMs = 2500;

/** One code path forgets to close; the pool runs dry and later requests time out waiting for it. */
export function connectionLeak({ seeded, slots, takeName, variants }: SceneContext): Scene {
  const name = takeName();
  const replicas = seeded.between(1, 2);
  const limit = Math.floor(slots / replicas);
  const poolSize = Math.max(1, Math.floor(limit / seeded.between(2, 3)));
  const mode = variants.leak ?? seeded.pick(['transaction', 'autocommit'] as const);
  const plan: ServicePlan = {
    name,
    replicas,
    poolSize,
    maxOverflow: limit - poolSize,
    poolTimeoutSeconds: 1,
    role: 'app',
  };
  const left = mode === 'transaction' ? 'idle in transaction' : 'idle';
  return {
    story: `${name} never closes the connections of GET /orders/export; they stay ${left}.`,
    services: [plan],
    async begin({ fleet, until }) {
      const everyMs = leakOverMs / limit;
      const running = fleet.replicasOf(name);
      await Promise.all(running.map((replica) => replica.post({ kind: 'leak', everyMs, mode })));
      await until((activity) => {
        const { idle, idleInTransaction } = activityOf(activity, name);
        const leaked = mode === 'transaction' ? idleInTransaction : idle;
        if (leaked < limit * replicas) return `${leaked} of ${limit * replicas} leaked`;
        const dry = running.every((replica) => replica.hasLogged(/QueuePool limit of size/));
        return dry ? undefined : 'no time-out of the dry pool yet';
      });
    },
  };
}

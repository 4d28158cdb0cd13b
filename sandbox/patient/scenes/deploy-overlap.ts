import { activityOf } from '../activity.ts';
import type { ServicePlan } from '../fleet.ts';
import type { Scene, SceneContext } from './scene.ts';

const [oldImage, newImage] = ['3f9d02b7c1a4', '8be41c60f52d'] as const;

/** A deploy that does not end: new replicas run beside the old ones, and twice the pools do not fit the server. */
export function deployOverlap({ seeded, slots, takeName }: SceneContext): Scene {
  const name = takeName();
  const replicas = seeded.between(2, 3);
  // More than fit even without dbconn and with nobody else about, so that some are refused for certain.
  const poolSize = Math.ceil((slots + 4) / (2 * replicas));
  const plan: ServicePlan = {
    name,
    replicas,
    poolSize,
    maxOverflow: 0,
    poolTimeoutSeconds: 5,
    role: 'app',
    imageId: oldImage,
  };
  const load = { kind: 'load', concurrency: poolSize, queryMs: 10, pauseMs: 800 } as const;
  return {
    story: `${replicas} new replicas of ${name} have started, and the ${replicas} old ones have not stopped.`,
    services: [plan],
    async begin({ fleet, until }) {
      await Promise.all(fleet.replicasOf(name).map((replica) => replica.post(load)));
      await until((activity) => {
        const { total } = activityOf(activity, name);
        const wanted = replicas * poolSize;
        return total < wanted ? `${total} of ${wanted} connections of the old replicas` : undefined;
      });
      await fleet.start([{ ...plan, imageId: newImage }]);
      const fresh = fleet.replicasOf(name).slice(replicas);
      await Promise.all(fresh.map((replica) => replica.post(load)));
      await until((activity) => {
        const { total } = activityOf(activity, name);
        if (total < slots) return `${total} of ${slots} slots taken`;
        const refused = fresh.some((replica) => replica.hasLogged(/FATAL: .*connection slots/));
        return refused ? undefined : 'nobody has been refused yet';
      });
    },
  };
}

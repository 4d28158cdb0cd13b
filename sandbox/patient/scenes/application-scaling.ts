import { activityOf } from '../activity.ts';
import type { Scene, SceneContext } from './scene.ts';

/** One service too many times: every pool is small, all of them together are more than the server has. */
export function applicationScaling({ seeded, slots, takeName }: SceneContext): Scene {
  const name = takeName();
  const poolSize = seeded.between(3, 4);
  // More than fit even without dbconn and with nobody else about, so that some are refused for certain.
  const replicas = Math.ceil((slots + 4) / poolSize);
  return {
    story: `${name} was scaled to ${replicas} replicas with a pool of ${poolSize} each.`,
    services: [
      {
        name,
        replicas,
        poolSize,
        maxOverflow: seeded.between(1, 2),
        poolTimeoutSeconds: 5,
        role: 'app',
      },
    ],
    async begin({ fleet, until }) {
      const running = fleet.replicasOf(name);
      const load = { kind: 'load', concurrency: poolSize, queryMs: 10, pauseMs: 800 } as const;
      await Promise.all(running.map((replica) => replica.post(load)));
      await until((activity) => {
        const { idleSettled, total } = activityOf(activity, name);
        if (total < slots) return `${total} of ${slots} slots taken`;
        if (idleSettled < total * 0.4) return `${idleSettled} of ${total} sessions idle`;
        const refused = running.some((replica) => replica.hasLogged(/FATAL: .*connection slots/));
        return refused ? undefined : 'nobody has been refused yet';
      });
    },
  };
}

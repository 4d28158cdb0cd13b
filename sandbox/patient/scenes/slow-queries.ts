import { activityOf } from '../activity.ts';
import { split } from './scene.ts';
import type { Scene, SceneContext } from './scene.ts';

/** Far longer than anybody watches; healing ends them. */
const reportSeconds = 600;

/** Reports that take minutes hold a connection each, and users ask for more of them. */
export function slowQueries({ seeded, slots, takeName }: SceneContext): Scene {
  const name = takeName();
  const replicas = seeded.between(1, 3);
  const counts = split(Math.floor(slots * 0.95), replicas);
  const most = Math.max(...counts);
  const poolSize = Math.ceil(most / 2);
  return {
    story: `${name} runs reports that take minutes; each holds its connection all the while.`,
    services: [
      // One connection to spare, so that the pools are not what is exhausted.
      {
        name,
        replicas,
        poolSize,
        maxOverflow: most - poolSize + 1,
        poolTimeoutSeconds: 5,
        role: 'batch',
      },
    ],
    async begin({ fleet, until }) {
      const running = fleet.replicasOf(name);
      const started = running.map((replica, index) =>
        replica.post({ kind: 'report', count: counts[index] ?? 1, seconds: reportSeconds }),
      );
      await Promise.all(started);
      const wanted = counts.reduce((sum, count) => sum + count, 0);
      await until((activity) => {
        const { slow } = activityOf(activity, name);
        return slow < wanted ? `${slow} of ${wanted} reports run long enough` : undefined;
      });
    },
  };
}

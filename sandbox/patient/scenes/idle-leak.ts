import { activityOf } from '../activity.ts';
import type { Scene, SceneContext } from './scene.ts';

/** The time in which the leak takes its slots, so that their starts are spread. */
const leakOverMs = 4000;

/** A leak in autocommit of a service that serves no pool metrics: idle connections, each used once. */
export function idleLeak({ slots, takeName }: SceneContext): Scene {
  const name = takeName();
  return {
    story: `${name}, which has no pool metrics, opens a connection for each export and forgets it idle.`,
    services: [
      {
        name,
        replicas: 1,
        poolSize: slots,
        maxOverflow: 0,
        poolTimeoutSeconds: 30,
        role: 'app',
        isHidden: true,
      },
    ],
    async begin({ fleet, until }) {
      const everyMs = Math.max(1, Math.floor(leakOverMs / slots));
      const [replica] = fleet.replicasOf(name);
      await replica?.post({ kind: 'leak', everyMs, mode: 'autocommit' });
      await until((activity) => {
        const { idleSettled } = activityOf(activity, name);
        return idleSettled < slots ? `${idleSettled} of ${slots} leaked` : undefined;
      });
    },
  };
}

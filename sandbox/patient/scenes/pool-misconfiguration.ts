import { activityOf } from '../activity.ts';
import { split } from './scene.ts';
import type { Scene, SceneContext } from './scene.ts';

/** A pool that fits neither its service nor its server: far too large, or far too small. */
export function poolMisconfiguration(context: SceneContext): Scene {
  const variant = context.variants.pool ?? context.seeded.pick(['too-large', 'too-small'] as const);
  return variant === 'too-large' ? tooLarge(context) : tooSmall(context);
}

/** Two replicas whose pools keep nearly every slot, for hardly any work. */
function tooLarge({ seeded, slots, takeName }: SceneContext): Scene {
  const name = takeName();
  const replicas = seeded.between(1, 2);
  const sizes = split(slots, replicas);
  const poolSize = Math.max(...sizes);
  return {
    story: `${name} keeps pools of ${poolSize} connections that sit idle.`,
    services: [
      {
        name,
        replicas,
        poolSize,
        maxOverflow: seeded.between(5, 10),
        poolTimeoutSeconds: 5,
        role: 'app',
      },
    ],
    async begin({ fleet, until }) {
      const running = fleet.replicasOf(name);
      const started = running.map((replica, index) => {
        const concurrency = sizes[index] ?? 1;
        return replica.post({ kind: 'load', concurrency, queryMs: 50, pauseMs: 5000 });
      });
      await Promise.all(started);
      await until((activity) => {
        const { idleSettled } = activityOf(activity, name);
        return idleSettled < slots * 0.9 ? `${idleSettled} of ${slots} sit idle` : undefined;
      });
    },
  };
}

/** Short queries, plenty of users, and a connection or two for all of them: requests time out, PostgreSQL is bored. */
function tooSmall({ seeded, takeName }: SceneContext): Scene {
  const name = takeName();
  const poolSize = seeded.between(1, 2);
  return {
    story: `${name} has a pool of ${poolSize} for many users; they wait for it, not for PostgreSQL.`,
    services: [
      { name, replicas: 2, poolSize, maxOverflow: 0, poolTimeoutSeconds: 0.5, role: 'app' },
    ],
    async begin({ fleet, until }) {
      const running = fleet.replicasOf(name);
      // 20 users in front of each connection wait a second for their turn; half a second is what they are given.
      const load = { kind: 'load', concurrency: 20 * poolSize, queryMs: 50, pauseMs: 0 } as const;
      await Promise.all(running.map((replica) => replica.post(load)));
      await until(() => {
        const dry = running.every((replica) => replica.hasLogged(/QueuePool limit of size/));
        return dry ? undefined : 'no time-out of the small pools yet';
      });
    },
  };
}

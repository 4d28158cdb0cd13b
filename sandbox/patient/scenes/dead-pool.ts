import { activityOf } from '../activity.ts';
import { connectionLeak } from './connection-leak.ts';
import type { Scene, SceneContext } from './scene.ts';

/** PostgreSQL has ended the connections of a pool that was used up by a leak, and the pool still counts on them. */
export function deadPool(context: SceneContext): Scene {
  const leak = connectionLeak({ ...context, variants: { leak: 'transaction' } });
  const names = leak.services.map(({ name }) => name);
  return {
    ...leak,
    story: `${leak.story} Then PostgreSQL ended them all, and the pools still count them as checked out.`,
    async begin(stage) {
      await leak.begin(stage);
      const end =
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ANY ($1)';
      await stage.run(end, [names]);
      await stage.until((activity) => {
        const left = names.reduce((sum, name) => sum + activityOf(activity, name).total, 0);
        return left > 0 ? `${left} connections are still there` : undefined;
      });
    },
  };
}

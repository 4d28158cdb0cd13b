import { activityOf } from '../activity.ts';
import { split } from './scene.ts';
import type { Scene, SceneContext } from './scene.ts';

/** One transaction holds what everybody needs; those who wait keep their slots. */
export function lockContention({ seeded, slots, takeName, variants }: SceneContext): Scene {
  const [holder, waiter] = [takeName(), takeName()];
  const what = variants.lock ?? seeded.pick(['row', 'table'] as const);
  const replicas = seeded.between(1, 2);
  const counts = split(Math.floor(slots * 0.9) - 2, replicas);
  const most = Math.max(...counts);
  const stories = {
    row: `${holder} has changed a row and keeps it locked; ${waiter} waits for that row.`,
    table: `${holder} reads a table and its migration waits for the read; ${waiter} waits behind both.`,
  };
  return {
    story: stories[what],
    services: [
      {
        name: holder,
        replicas: 1,
        poolSize: 2,
        maxOverflow: 1,
        poolTimeoutSeconds: 5,
        role: 'batch',
      },
      {
        name: waiter,
        replicas,
        poolSize: most,
        maxOverflow: 2,
        poolTimeoutSeconds: 5,
        role: 'app',
      },
    ],
    async begin({ fleet, until }) {
      const [holding] = fleet.replicasOf(holder);
      await holding?.post({ kind: 'hold', what });
      await until((activity) =>
        activityOf(activity, holder).idleInTransaction < 1 ? 'the lock is not held yet' : undefined,
      );
      if (what === 'table') {
        await holding?.post({ kind: 'migrate' });
        await until((activity) =>
          activityOf(activity, holder).waitingForLocks < 1
            ? 'the DDL does not wait yet'
            : undefined,
        );
      }
      const started = fleet
        .replicasOf(waiter)
        .map((replica, index) =>
          replica.post({ kind: 'contend', what, count: counts[index] ?? 1 }),
        );
      await Promise.all(started);
      const wanted = counts.reduce((sum, count) => sum + count, 0);
      await until((activity) => {
        const { waitingLong } = activityOf(activity, waiter);
        return waitingLong < wanted ? `${waitingLong} of ${wanted} wait long enough` : undefined;
      });
    },
  };
}

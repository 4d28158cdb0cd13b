import { activityOf } from '../activity.ts';
import { split } from './scene.ts';
import type { Scene, SceneContext } from './scene.ts';

/** Enough for one service's rows to be nobody else's. */
const rowsPerService = 200;

/** Several code paths in two services write and never commit. */
export function uncommittedTransactions({ seeded, slots, takeName }: SceneContext): Scene {
  const names = [takeName(), takeName()];
  const total = Math.max(4, Math.floor((slots * seeded.between(40, 80)) / 100));
  const counts = split(total, names.length);
  const firstRows = names.map((_, index) => 1 + seeded.between(0, 9) + index * rowsPerService);
  return {
    story: `${names.join(' and ')} write in ${total} transactions and never commit them.`,
    services: names.map((name, index) => ({
      name,
      replicas: 1,
      poolSize: (counts[index] ?? 0) + 2,
      maxOverflow: 3,
      poolTimeoutSeconds: 5,
      role: 'app',
    })),
    async begin({ fleet, until }) {
      const started = names.map(async (name, index) => {
        const [replica] = fleet.replicasOf(name);
        const [count, firstRow] = [counts[index] ?? 1, firstRows[index] ?? 1];
        await replica?.post({ kind: 'uncommitted', count, firstRow });
        await replica?.post({ kind: 'load', concurrency: 1, queryMs: 5, pauseMs: 200 });
      });
      await Promise.all(started);
      await until((activity) => {
        const old = names.map((name) => activityOf(activity, name).idleInTransactionOld);
        const sum = old.reduce((all, count) => all + count, 0);
        return sum < total ? `${sum} of ${total} transactions are old enough` : undefined;
      });
    },
  };
}

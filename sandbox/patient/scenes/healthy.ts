import { activityOf } from '../activity.ts';
import { split } from './scene.ts';
import type { Scene, SceneContext } from './scene.ts';

const busyShare = 0.85;

/** Two services at a quiet hour. */
export function healthy({ seeded, slots, takeName }: SceneContext): Scene {
  return ordinaryWork({
    names: [takeName(), takeName()],
    connections: Math.floor((slots * seeded.between(15, 30)) / 100),
    slots,
    activeAtLeast: 0,
    queryMs: seeded.between(5, 15),
    pauseMs: 150,
    story: 'a quiet hour',
  });
}

/** Two services hard at work: 85% of the slots used, each query a moment long, no pool at its limit. */
export function healthyAndBusy({ others, seeded, slots, takeName, usable }: SceneContext): Scene {
  const connections = Math.round(busyShare * usable) - others;
  return ordinaryWork({
    names: [takeName(), takeName()],
    connections,
    slots,
    activeAtLeast: Math.ceil(connections * 0.6),
    queryMs: seeded.between(120, 200),
    pauseMs: 0,
    story: 'everybody works, and quickly',
  });
}

interface OrdinaryWork {
  readonly names: readonly string[];
  readonly connections: number;
  readonly slots: number;
  readonly activeAtLeast: number;
  readonly queryMs: number;
  readonly pauseMs: number;
  readonly story: string;
}

/** Pools that together fit the server, and load that keeps `connections` of them in use. */
function ordinaryWork(work: OrdinaryWork): Scene {
  const { activeAtLeast, connections, names, pauseMs, queryMs, slots, story } = work;
  const sizes = split(slots, names.length);
  const loads = split(connections, names.length);
  return {
    story: `${names.join(', ')}: ${story}.`,
    services: names.map((name, index) => ({
      name,
      replicas: 1,
      poolSize: sizes[index] ?? 1,
      maxOverflow: 0,
      poolTimeoutSeconds: 5,
      role: 'app',
    })),
    async begin({ fleet, until }) {
      const started = names.map(async (name, index) => {
        const [replica] = fleet.replicasOf(name);
        const concurrency = Math.max(1, loads[index] ?? 1);
        await replica?.post({ kind: 'load', concurrency, queryMs, pauseMs });
      });
      await Promise.all(started);
      await until((activity) => {
        const rows = names.map((name) => activityOf(activity, name));
        const open = rows.reduce((sum, { total }) => sum + total, 0);
        if (open < connections) return `${open} of ${connections} connections open`;
        const active = rows.reduce((sum, row) => sum + row.active, 0);
        return active < activeAtLeast ? `${active} of ${activeAtLeast} sessions active` : undefined;
      });
    },
  };
}

import { activityOf } from '../activity.ts';
import type { Scene, SceneContext, SceneStage } from './scene.ts';

/** Every commit waits for a standby that is gone. */
export function replicationWait({ slots, takeName }: SceneContext): Scene {
  const name = takeName();
  const writers = Math.max(3, Math.floor(slots / 3));
  return {
    story: `The standby is gone, and ${writers} writers of ${name} wait for it at their COMMIT.`,
    services: [
      {
        name,
        replicas: 1,
        poolSize: writers,
        maxOverflow: 0,
        poolTimeoutSeconds: 30,
        role: 'app',
      },
    ],
    async begin({ fleet, until, run }) {
      await setStandby(run, "'standby_b'");
      const [replica] = fleet.replicasOf(name);
      await replica?.post({ kind: 'write', count: writers });
      await until((activity) => {
        const { slow } = activityOf(activity, name);
        return slow < writers ? `${slow} of ${writers} have waited for long` : undefined;
      });
    },
    end: ({ run }) => setStandby(run, "''"),
  };
}

/** @param names a literal of SQL */
async function setStandby(run: SceneStage['run'], names: string): Promise<void> {
  await run(`ALTER SYSTEM SET synchronous_standby_names = ${names}`);
  await run('SELECT pg_reload_conf()');
}

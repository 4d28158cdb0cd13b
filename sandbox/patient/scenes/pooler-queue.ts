import type { SandboxPooler } from '../sandbox-pooler.ts';
import type { Scene, SceneContext } from './scene.ts';

/** By then the queue is longer than a moment's. */
const waitSeconds = 1.2;

/** PgBouncer's pool is too small for its clients: they queue there, and PostgreSQL has room. */
export function poolerQueue({ seeded, takeName }: SceneContext): Scene {
  const name = takeName();
  const replicas = 2;
  const concurrency = seeded.between(9, 11);
  const size = seeded.between(2, 3);
  return {
    story: `${name} is behind a PgBouncer with default_pool_size = ${size}, and ${replicas * concurrency} of its requests want a connection at once.`,
    // They start behind the pooler, which the scene starts first.
    services: [],
    async begin({ fleet, pooler, until }) {
      await pooler.start({ pool_mode: 'transaction', default_pool_size: size });
      await fleet.start([
        {
          name,
          replicas,
          // Larger than its users need: nobody waits for it.
          poolSize: 2 * concurrency,
          maxOverflow: 0,
          poolTimeoutSeconds: 30,
          role: 'app',
          databaseUrl: pooler.url('app'),
        },
      ]);
      const load = { kind: 'load', concurrency, queryMs: 400, pauseMs: 0 } as const;
      await Promise.all(fleet.replicasOf(name).map((replica) => replica.post(load)));
      await until(() => findMissing(pooler, concurrency));
    },
    end: ({ pooler }) => pooler.stop(),
  };
}

async function findMissing(pooler: SandboxPooler, wanted: number): Promise<string | undefined> {
  const { waiting, seconds } = await pooler.readQueue();
  return waiting < wanted || seconds < waitSeconds
    ? `${waiting} clients wait, for ${seconds} s`
    : undefined;
}

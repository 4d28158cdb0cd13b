import { applicationScaling } from './application-scaling.ts';
import { connectionLeak } from './connection-leak.ts';
import { deadPool } from './dead-pool.ts';
import { deployOverlap } from './deploy-overlap.ts';
import { healthy, healthyAndBusy } from './healthy.ts';
import { idleLeak } from './idle-leak.ts';
import { lockContention } from './lock-contention.ts';
import { poolerQueue } from './pooler-queue.ts';
import { poolMisconfiguration } from './pool-misconfiguration.ts';
import { replicationWait } from './replication-wait.ts';
import type { Scene, SceneContext, Trouble } from './scene.ts';
import { slowQueries } from './slow-queries.ts';
import { uncommittedTransactions } from './uncommitted-transactions.ts';

/** How each trouble is made. */
export const catalogue: Readonly<Record<Trouble, (context: SceneContext) => Scene>> = {
  'connection-leak': connectionLeak,
  'slow-queries': slowQueries,
  'uncommitted-transactions': uncommittedTransactions,
  'application-scaling': applicationScaling,
  'pool-misconfiguration': poolMisconfiguration,
  'lock-contention': lockContention,
  'dead-pool': deadPool,
  'idle-leak': idleLeak,
  'deploy-overlap': deployOverlap,
  'pooler-queue': poolerQueue,
  'replication-wait': replicationWait,
  healthy,
  'healthy-busy': healthyAndBusy,
};

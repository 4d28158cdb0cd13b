import { applicationScaling } from './application-scaling.ts';
import { connectionLeak } from './connection-leak.ts';
import { healthy, healthyAndBusy } from './healthy.ts';
import { lockContention } from './lock-contention.ts';
import { poolMisconfiguration } from './pool-misconfiguration.ts';
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
  healthy,
  'healthy-busy': healthyAndBusy,
};

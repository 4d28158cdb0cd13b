import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Clock } from '../../snapshot/ports.ts';
import type { PoolSettings } from '../../ports/pool-settings.ts';
import type { Target } from '../../snapshot/target.ts';

export interface OptionEPorts {
  readonly settings: PoolSettings;
  readonly takeSnapshot: () => Promise<Snapshot>;
  readonly clock: Clock;
  readonly target: Target;
  /** Services never touched, although configured: dbconn itself, its socket proxy, its journal. */
  readonly refusedServices: readonly string[];
  /** The beginnings of ids of containers never touched: the one dbconn runs in. */
  readonly refusedContainers: readonly string[];
  /** For one container, from its start. */
  readonly healthyWithinMs: number;
  /** How long to wait for the storm to calm before the next container. */
  readonly calmWithinMs: number;
  /** How long the pool metrics may take to show the new numbers. */
  readonly shownWithinMs: number;
}

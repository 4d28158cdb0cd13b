import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Clock, Restarts } from '../../snapshot/ports.ts';
import type { Target } from '../../snapshot/target.ts';

export interface OptionCPorts {
  readonly restarts: Restarts;
  readonly takeSnapshot: () => Promise<Snapshot>;
  readonly clock: Clock;
  readonly target: Target;
  /** Services never restarted, although configured: dbconn itself, its socket proxy, its journal. */
  readonly refusedServices: readonly string[];
  /** The beginnings of ids of containers never restarted: the one dbconn runs in. */
  readonly refusedContainers: readonly string[];
  /** Between asking a process to end and killing it. */
  readonly stopTimeoutSeconds: number;
  /** For one replica, from its start. */
  readonly healthyWithinMs: number;
  /** How long to wait for the storm to calm before the next replica. */
  readonly calmWithinMs: number;
}

import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Clock } from '../../snapshot/ports.ts';
import type { Target } from '../../snapshot/target.ts';
import type { Plan } from '../plan.ts';
import type { Remedy } from '../remedy.ts';
import type { Item } from '../report.ts';

/** One option as a plan that somebody else runs. Nothing here changes anything. */
export interface Planner extends Pick<Remedy, 'option' | 'propose' | 'recheck'> {
  /**
   * What a look tells of the plan's targets afterwards. Throws PrivilegedUnavailable where nobody can look now.
   * @param since when the commands were shown; UTC ISO text
   */
  readBack(plan: Plan, since: string): Promise<readonly Item[]>;
}

export interface PlannerPorts {
  readonly takeSnapshot: () => Promise<Snapshot>;
  readonly clock: Clock;
  readonly target: Target;
  /** Services that dbconn itself stands on. */
  readonly refusedServices: readonly string[];
}

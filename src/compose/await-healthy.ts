import { setTimeout as sleep } from 'node:timers/promises';
import type { Problem } from '../runbook/snapshot/snapshot.ts';
import type { Inspected } from './replica.ts';
import { readHealth, readStartedAt } from './replica.ts';

/** One look at a container: what was seen, or why nothing was. */
export type Observation =
  | { readonly inspected: Inspected }
  | { readonly inspected: null; readonly gone: boolean; readonly problem: Problem };

/** How a freshly started run stands. */
export type RunState = 'healthy' | 'running' | 'unhealthy' | 'starting' | 'crash-loop' | 'exited';

export const pollMs = 250;
/** Without a health check: a process that cannot start has ended by then. */
const steadyForMs = 3_000;
/** One failed start may be the database's fault and mend itself; the second is a habit. */
const crashLoopRestarts = 2;

/**
 * Waits until a run is settled, or until the deadline, and then tells how it stands. A health check may fail
 * for a while and pass in the end, so `unhealthy` and one failed start are waited through.
 */
export async function awaitHealthy(
  check: () => Promise<Observation>,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly result: RunState | 'unknown'; readonly observation: Observation }> {
  let steady: { readonly startedAt: string | null; readonly since: number } | undefined;
  for (;;) {
    const observation = await check();
    const now = Date.now();
    if (observation.inspected === null) {
      if (observation.gone || now >= deadline || signal?.aborted)
        return { result: 'unknown', observation };
    } else {
      const startedAt = readStartedAt(observation.inspected);
      if (steady?.startedAt !== startedAt) steady = { startedAt, since: now };
      const result = judge(observation.inspected, now - (steady?.since ?? now));
      const settled = result !== 'starting' && result !== 'unhealthy';
      if (settled || now >= deadline || signal?.aborted) return { result, observation };
    }
    await sleep(pollMs);
  }
}

/** @param steadyMs for how long this run has been seen up. */
function judge(inspected: Inspected, steadyMs: number): RunState {
  const { State: state, RestartCount: restarts } = inspected;
  // Docker counts from 0 again at every restart somebody asked for.
  if ((restarts ?? 0) >= crashLoopRestarts) return 'crash-loop';
  if (state.Restarting === true) return 'starting';
  if (!state.Running) return 'exited';
  if (state.Health == null || state.Health.Status === 'none') {
    return steadyMs >= steadyForMs ? 'running' : 'starting';
  }
  const health = readHealth(inspected);
  return health === 'none' ? 'starting' : health;
}

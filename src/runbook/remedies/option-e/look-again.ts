import type { RecreateOutcome } from '../../ports/pool-settings.ts';
import { uptimeOf } from '../../uptime.ts';
import type { RunControl } from '../remedy.ts';
import type { ReplicaTarget } from '../targets/replica.ts';
import type { OptionEPorts } from './ports.ts';

const pauseMs = 5000;
/** Proxies give a call up after a minute, unless they are told otherwise; the engine itself knows no deadline. */
const lateWithinMs = 120_000;

interface Doubt {
  readonly replica: Pick<ReplicaTarget, 'id' | 'name'>;
  readonly told: RecreateOutcome;
}

/**
 * Until it is known what became of a container that Docker gave no answer about. A change that may still follow is not
 * undone because it is not seen: then it stays unknown.
 */
export async function checkAgain(
  { settings, clock, healthyWithinMs }: OptionEPorts,
  control: Pick<RunControl, 'progress'>,
  { replica: { id, name }, told }: Doubt,
): Promise<RecreateOutcome> {
  const giveUpAt = uptimeOf(clock) + lateWithinMs;
  let known = told;
  while (mayPass(known) && uptimeOf(clock) < giveUpAt) {
    control.progress(`What became of ${name} is not known yet. Looking again.`);
    await clock.sleep(pauseMs);
    const now = await settings.settleReplica({ id, name }, healthyWithinMs);
    if (now.result === 'unknown') known = { ...known, ...now };
    else if (now.result !== 'untouched' || known.mayFollow === undefined) known = now;
  }
  return known;
}

function mayPass({ result, mayFollow, problem }: RecreateOutcome): boolean {
  if (result !== 'unknown') return false;
  return mayFollow === true || problem?.kind === 'timeout' || problem?.kind === 'unreachable';
}

import type { Clock, Journal } from '../ports.ts';
import { canonicalJson } from '../remedies/plan.ts';
import type { Ask } from '../remedies/ask.ts';
import { readOptionPolicy } from './policy.ts';
import type { Policy } from './policy.ts';
import type { Request } from './request.ts';

interface CooldownPorts {
  readonly journal: Pick<Journal, 'readRunsSince'>;
  readonly policy: Policy;
  readonly clock: Pick<Clock, 'now'>;
}

/** The last run of the same kind on the same thing, while the next one is still too early. */
export interface Cooling {
  readonly ranAt: string;
  /** Until the next one may run. */
  readonly leftMs: number;
}

/**
 * Whether the same thing was done too short a time ago: whoever repeats it has not yet seen what it did. Taking a
 * change back never waits.
 */
export async function readCooling(
  { journal, policy, clock }: CooldownPorts,
  { option, target, ask, undoes }: Request,
): Promise<Cooling | undefined> {
  const { cooldownMs } = readOptionPolicy(policy, option);
  if (cooldownMs === 0 || undoes !== null) return undefined;
  const now = clock.now();
  const since = new Date(now - cooldownMs).toISOString();
  const runs = await journal.readRunsSince({ target, option, since });
  const thing = thingOf(ask);
  const ends = runs
    .filter((run) => thingOf(run.ask) === thing)
    .flatMap(({ result }) => (result === null ? [] : [result.endedAt]))
    .toSorted();
  const ranAt = ends.at(-1);
  if (ranAt === undefined) return undefined;
  const leftMs = Date.parse(ranAt) + cooldownMs - now;
  return leftMs > 0 ? { ranAt, leftMs } : undefined;
}

/** What an ask is about: another value for the same thing is the same thing, another service is not. */
function thingOf(ask: Ask): string {
  switch (ask.kind) {
    case 'idle-in-transaction':
    case 'idle':
      return canonicalJson([ask.kind, ask.application]);
    case 'restart':
    case 'resize-pool':
      return canonicalJson([ask.kind, ask.service]);
    case 'stop-session':
      return canonicalJson([ask.kind, ask.pid]);
    case 'rollback-prepared':
      return canonicalJson([ask.kind, ask.gid]);
    case 'set-timeout':
      return canonicalJson([ask.kind, ask.setting, ask.role]);
    default:
      return ask.kind;
  }
}

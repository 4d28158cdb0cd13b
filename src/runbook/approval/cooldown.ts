import type { Clock, Journal } from '../snapshot/ports.ts';
import type { Neighbourhood } from '../ports/neighbours.ts';
import { canonicalJson } from '../remedies/plan.ts';
import type { RemedyRequest } from '../remedies/ask.ts';
import { readOptionPolicy } from '../approvals/policy.ts';
import type { Policy } from '../approvals/policy.ts';
import type { ApprovalRequest } from './request.ts';
import { lockedWith } from './shared-lock.ts';

interface CooldownPorts {
  readonly journal: Pick<Journal, 'readRunsSince' | 'readAgeMs'>;
  readonly policy: Policy;
  readonly clock: Pick<Clock, 'now'>;
  readonly neighbourhood?: (target: string) => Promise<Neighbourhood> | undefined;
}

/** A zone that was set wrong is hours, never more than a day. */
const farthestSetMs = 24 * 3_600_000;

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
  ports: CooldownPorts,
  { option, target, ask, undoes }: ApprovalRequest,
): Promise<Cooling | undefined> {
  const { journal, policy, clock } = ports;
  const { cooldownMs } = readOptionPolicy(policy, option);
  if (cooldownMs === 0 || undoes !== null) return undefined;
  // A clock that was set forward meanwhile must not hide a run; how old each is, is read from the journal.
  const since = new Date(clock.now() - cooldownMs - farthestSetMs).toISOString();
  const thing = thingOf(ask);
  const targets = await lockedWith(ports, target);
  const runs = await Promise.all(
    targets.map((name) => journal.readRunsSince({ target: name, option, since })),
  );
  let cooling: Cooling | undefined;
  for (const run of runs.flat()) {
    if (thingOf(run.ask) !== thing || run.result === null) continue;
    const leftMs = cooldownMs - (await readAge({ journal, clock }, run, run.result.endedAt));
    if (leftMs > (cooling?.leftMs ?? 0)) cooling = { ranAt: run.result.endedAt, leftMs };
  }
  return cooling;
}

/** Milliseconds since a run ended. */
export async function readAge(
  {
    journal,
    clock,
  }: Pick<CooldownPorts, 'clock'> & { readonly journal: Pick<Journal, 'readAgeMs'> },
  { id }: ApprovalRequest,
  endedAt: string,
): Promise<number> {
  const ageMs = await journal.readAgeMs(id, ['ran-by-hand', 'verifying', 'done']);
  return ageMs ?? Math.max(0, clock.now() - Date.parse(endedAt));
}

/** What an ask is about: another value for the same thing is the same thing, another service is not. */
function thingOf(ask: RemedyRequest): string {
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
    case 'limit-connections':
      return canonicalJson([ask.kind, ask.role]);
    default:
      return ask.kind;
  }
}

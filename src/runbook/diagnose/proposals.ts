import type { Cause, Finding, Proposal } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { isVisible } from './findings/reach.ts';
import { pressureOf } from './pressure.ts';
import type { ProposalInput } from './proposals/case.ts';
import { proposeLimit } from './proposals/connection-limit.ts';
import { proposeTerminate } from './proposals/option-a.ts';
import { proposeRaise } from './proposals/option-b.ts';
import { proposeRestart } from './proposals/c-restart-service.ts';
import { proposeStop } from './proposals/option-d.ts';
import { proposeResize } from './proposals/e-resize-pool.ts';

/**
 * The runbook's options that would help now, in the order of least regret: cancelling a queued statement costs
 * its owner a retry, ending a forgotten transaction costs nobody anything or an uncommitted write, a restart costs
 * every request in flight, and raising max_connections costs everybody their connection. Idle sessions are ended before
 * anything is restarted, except where a service leaks them: its pool still counts on each.
 */
export function propose(
  evidence: Evidence,
  {
    causes,
    findings,
  }: { readonly causes: readonly Cause[]; readonly findings: readonly Finding[] },
): Proposal[] {
  const { reading, capacity, target, snapshot } = evidence;
  if (reading !== undefined && !isVisible(reading)) return [];
  const pressure = pressureOf(capacity, target.limits);
  const { error } = snapshot.database.reach;
  const refused = error?.kind === 'full' && error.scope !== 'role';
  const now: ProposalInput = {
    evidence,
    causes,
    findings,
    short: pressure !== 'none' || refused,
    critical: pressure === 'critical' || refused,
    has: (name) => causes.some(({ cause }) => cause === name),
  };
  return [proposeTerminate, proposeRaise, proposeRestart, proposeStop, proposeResize, proposeLimit]
    .flatMap((option) => option(now))
    .toSorted((a, b) => a.regret - b.regret)
    .map(({ proposal }) => proposal);
}

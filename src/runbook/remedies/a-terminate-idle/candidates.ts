import { skipSentences } from '../../diagnose/protected-sessions.ts';
import type { SessionTarget, Skipped } from '../plan.ts';
import type { Candidate } from './ports.ts';

/** Enough for any night, and a plan that people can still read and the journal can still hold. */
const mostSessions = 500;

const skippedShown = 50;

export interface Sorted {
  readonly targets: readonly SessionTarget[];
  readonly spared: readonly Skipped[];
  readonly sparedTotal: number;
}

/** Who of the candidates is to end and who is spared, in the order given. */
export function sortCandidates(candidates: readonly Candidate[], atMost = mostSessions): Sorted {
  const targets: SessionTarget[] = [];
  const spared: Skipped[] = [];
  for (const { spared: reason, ...facts } of candidates) {
    const { identity } = facts;
    const [what, label] = [`pid ${identity.pid}`, identity.application];
    if (reason !== null) spared.push({ what, label, reason: skipSentences[reason] });
    else if (targets.length < atMost) targets.push({ kind: 'session', ...facts });
    else spared.push({ what, label, reason: `beyond the first ${atMost} of one plan` });
  }
  return { targets, spared: spared.slice(0, skippedShown), sparedTotal: spared.length };
}

/** Whether both are the same session in the same rest: all seven marks agree. */
export function isSameIdleSpan(
  a: SessionTarget['identity'],
  b: SessionTarget['identity'],
): boolean {
  return (
    a.pid === b.pid &&
    a.startedAt === b.startedAt &&
    a.user === b.user &&
    a.application === b.application &&
    a.state === b.state &&
    a.stateChangedAt === b.stateChangedAt &&
    a.transactionStartedAt === b.transactionStartedAt
  );
}

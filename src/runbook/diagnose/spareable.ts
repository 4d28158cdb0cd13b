import { skipByName } from '../remedies/protected-names.ts';
import { toSkipGuard } from '../remedies/spare-guard.ts';
import type { Skippable } from '../remedies/option-d/spared-blocker.ts';
import type { SkipReason } from '../snapshot/ports.ts';
import type { Process } from '../remedies/d-stop-blockers/ports.ts';
import type { Evidence } from './evidence.ts';
import type { SessionReading } from '../snapshot/snapshot.ts';

type Known = Pick<Evidence, 'target' | 'reading'>;

/** A listed session as option D's plan judges it. The plan reads it again with its own role, whose privilege it knows. */
export function toProtection(session: SessionReading, known: Known): Skippable {
  const { state } = session;
  return {
    identity: { state },
    process: processOf(session, known),
    spared: reasonOf(session, known),
  };
}

function processOf(
  { pid, backendType, state, waitEventType, query }: SessionReading,
  { reading }: Known,
): Process {
  if (backendType === 'autovacuum worker') {
    return query?.endsWith('(to prevent wraparound)') === true ? 'wraparound vacuum' : 'autovacuum';
  }
  if (backendType !== 'client backend') return 'other';
  if (state === 'active' && waitEventType === 'Client') return 'slow client';
  const builds = reading?.progress.some(
    (one) => one.pid === pid && one.command.endsWith('CONCURRENTLY'),
  );
  return builds === true ? 'concurrent build' : 'client';
}

/** In the order of spare-reason.ts. */
function reasonOf(session: SessionReading, { target }: Known): SkipReason | null {
  const { own, backendType, replication, superuser, user, application, waitEvent } = session;
  if (own) return 'own';
  if (backendType !== 'client backend') return 'not a client';
  if (replication === true) return 'replication';
  if (superuser && !target.applicationRoles.includes(user ?? '')) return 'superuser';
  const byName = skipByName(application, toSkipGuard(target));
  return byName ?? (waitEvent === 'SyncRep' ? 'committing' : null);
}

/** What else lets those behind a spared session go on. */
export function whatHelps(session: SessionReading | undefined): string {
  switch (session?.backendType) {
    case 'startup':
      return 'It replays a transaction that is still open on the primary: end that one there.';
    case 'autovacuum worker':
      return 'Cancel the statement that waits for it and run it later; a smaller autovacuum_vacuum_cost_delay lets it finish sooner.';
    case 'client backend':
      return 'Wait until it has finished, or cancel the statement that waits for it and run it later with a lock_timeout.';
    default:
      return 'See what it works for; it goes on by itself.';
  }
}

import { count, durationOfSeconds, percent } from '../../snapshot/words.ts';
import type { Cause } from '../diagnosis.ts';
import { countLines } from '../summarise.ts';
import { findDeadlocks, findMaintenance, isTelling, lastingWaits } from '../waits.ts';
import type { CauseInput } from './cause-input.ts';
import { indicator, scoreCause } from './cause-input.ts';

/** Queries blocking each other: connections pile up behind a few that hold locks, or in a deadlock. */
export function judgeLockContention(input: CauseInput): Cause[] {
  const { waiting, waitingLong, used, working, pressure, evidence } = input;
  const { roots, cycles } = evidence.blocking;
  const logged = countLines(evidence.logs, ['deadlock']);
  const counted = findDeadlocks(evidence)?.count ?? 0;
  const deadlocks = Math.max(logged, counted);
  if (isBehindMaintenance(evidence)) return [];
  if (waitingLong === 0 && waiting < 3 && cycles.length === 0 && deadlocks === 0) return [];
  const share = waiting / Math.max(1, used);
  const victims = roots[0]?.victims ?? 0;
  const { longestSeconds } = lastingWaits(evidence);
  const busy = evidence.reading?.lockManagerBusy !== undefined;
  return scoreCause('lock-contention', summaryOf(waiting, busy ? null : roots.length), [
    ...indicator(
      busy,
      0.3,
      `${count(waiting, 'session waits', 'sessions wait')} for locks; their deadlock checks keep the lock manager busy.`,
    ),
    ...indicator(
      !busy && waitingLong > 0,
      0.3,
      `${count(waiting, 'session waits', 'sessions wait')} for locks, the longest for ${durationOfSeconds(longestSeconds)}.`,
    ),
    ...indicator(
      waitingLong === 0 && waiting >= 3,
      0.15,
      `${waiting} sessions wait for locks, none for long yet.`,
    ),
    ...indicator(waiting >= 3, 0.1, 'That is a queue, not a brief overlap.'),
    ...indicator(share >= 0.1, 0.1, `They hold ${percent(share)} of all connections.`),
    ...indicator(share >= 0.2, 0.15, 'That is a large part of them.'),
    ...indicator(
      waiting > 0 && waiting >= working,
      0.15,
      `Only ${count(working, 'other session is', 'other sessions are')} active.`,
    ),
    ...indicator(victims >= 3, 0.1, `A single root blocker blocks ${victims} sessions.`),
    ...indicator(
      cycles.length > 0,
      0.15,
      `${count(cycles.length, 'deadlock is', 'deadlocks are')} in progress.`,
    ),
    ...indicator(
      deadlocks > 0,
      0.35,
      logged >= counted
        ? `The recent logs show ${count(logged, 'deadlock')}.`
        : `PostgreSQL has counted ${count(counted, 'deadlock')} since an earlier check.`,
    ),
    ...indicator(
      waiting === 1 && pressure !== 'none',
      -0.1,
      `Only 1 of ${used} connections waits.`,
    ),
    ...indicator(waiting === 0, -0.05, 'No session waits for a lock right now.'),
  ]);
}

/** A build or a rewrite that others wait for is named as such, with its progress: they do not block each other. */
function isBehindMaintenance(evidence: CauseInput['evidence']): boolean {
  const { roots, waitersTotal } = evidence.blocking;
  const builds = findMaintenance(evidence).filter(({ victims }) => isTelling(victims, evidence));
  return builds.length > 0 && builds.length === roots.length && waitersTotal > 0;
}

/** `roots` is null where they could not be read. */
function summaryOf(waiting: number, roots: number | null): string {
  if (roots === null) {
    return `${count(waiting, 'session waits', 'sessions wait')} for locks; the blockers cannot be read yet.`;
  }
  if (waiting === 0) return 'Queries deadlock each other.';
  return `${count(waiting, 'session waits', 'sessions wait')} for locks behind ${count(roots, 'root blocker')}.`;
}

import type { SessionReading } from '../../snapshot/snapshot.ts';
import { count, durationOfSeconds, sum } from '../../snapshot/words.ts';
import type { Evidence } from '../evidence.ts';
import { findObstacles, whyNoObstacle } from '../obstacles.ts';
import type { Obstacle } from '../obstacles.ts';
import {
  skipByName,
  toSkipGuard,
  whyBlockerSkipped,
  whyRootSkipped,
} from '../protected-sessions.ts';
import type { Process, SkipReason, Skippable } from '../protected-sessions.ts';
import {
  describeProgress,
  findClientWaits,
  findMaintenance,
  lastingWaits,
  withWaitSeconds,
} from '../waits.ts';
import { whyNotSignal } from './proposal.ts';
import type { ProposalInput, ScoredProposal } from './proposal.ts';

type Known = Pick<Evidence, 'target' | 'reading'>;

/** A listed session as option D's plan judges it. The plan reads it again with its own role, whose privilege it knows. */
function toProtection(session: SessionReading, known: Known): Skippable {
  const { state } = session;
  return {
    identity: { state },
    process: processOf(session, known),
    skipped: reasonOf(session, known),
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

/** In the order of skip-reason.ts. */
function reasonOf(session: SessionReading, { target }: Known): SkipReason | null {
  const { own, backendType, replication, superuser, user, application, waitEvent } = session;
  if (own) return 'own';
  if (backendType !== 'client backend') return 'not a client';
  if (replication === true) return 'replication';
  if (superuser && !target.applicationRoles.includes(user ?? '')) return 'superuser';
  const byName = skipByName(application, toSkipGuard(target));
  return byName ?? (waitEvent === 'SyncRep' ? 'committing' : null);
}

/** What else lets those behind a skipped session go on. */
function whatHelps(session: SessionReading | undefined): string {
  switch (session?.backendType) {
    case 'startup':
      return 'It replays a transaction that is open on the primary: end it there.';
    case 'autovacuum worker':
      return 'Cancel the statement that waits for it, and run it later. A smaller autovacuum_vacuum_cost_delay lets vacuum finish sooner.';
    case 'client backend':
      return 'Wait until it finishes. Or cancel the statement that waits for it, and run it later with a lock_timeout.';
    default:
      return 'Check what it does; it ends by itself.';
  }
}

/**
 * Stop what blocks others: a queued statement first, then the roots, then statements that only run too long. Judged by
 * the code that plans it, so that nothing is proposed that the plan would refuse.
 */
export function proposeStop(now: ProposalInput): ScoredProposal[] {
  return [...stopObstacle(now), ...decidePrepared(now), ...stopSlow(now)];
}

function stopObstacle(now: ProposalInput): ScoredProposal[] {
  const { evidence } = now;
  const { reading, blocking, followers, target } = evidence;
  if (reading === undefined || blocking.waitersTotal === 0) return [];
  const reasons = new Map(
    reading.sessions.map((one) => [one.pid, whyRootSkipped(toProtection(one, evidence))]),
  );
  const mayStop = (pid: number): boolean => (reasons.get(pid) ?? null) === null;
  const inTheWay = findObstacles(withWaitSeconds(reading), mayStop, { blocking, followers }).filter(
    (obstacle) => whyNoObstacle(obstacle, target.limits.lockWaitMs) === null,
  );
  const first = inTheWay.find(({ pid }) => mayStop(pid));
  if (first?.queued === true) return [cancelQueued(now, first)];
  if (first !== undefined) return [stopRoot(now, first)];
  const [skipped] = inTheWay;
  return skipped === undefined ? [] : [leaveRoot(now, skipped, reasons.get(skipped.pid) ?? '')];
}

/** DDL that waits for a lock makes every reader behind it wait too; without it they go on at once. */
function cancelQueued({ evidence }: ProposalInput, { pid, victims }: Obstacle): ScoredProposal {
  const blocked = whyNotSignal(evidence);
  return {
    regret: 1,
    proposal: {
      option: 'D',
      subject: `${pid}`,
      summary: `Cancel the queued statement of ${pid}. ${count(victims, 'session')} behind it could continue at once. Run it again later with a lock_timeout.`,
      slotsFreed: 0,
      blocked,
      command: 'propose D',
    },
  };
}

function stopRoot({ evidence }: ProposalInput, { pid, victims }: Obstacle): ScoredProposal {
  const blocked = whyNotSignal(evidence);
  const session = evidence.reading?.sessions.find((one) => one.pid === pid);
  const active = session?.state === 'active' && session.waitEventType !== 'Client';
  const build = findMaintenance(evidence).find((one) => one.pid === pid);
  const loses =
    build !== undefined
      ? ` Its ${build.command}${describeProgress(build.progress)} starts over.`
      : session?.hasWritten === true
        ? ' Its uncommitted changes are lost.'
        : '';
  return {
    regret: active ? 4 : 3,
    proposal: {
      option: 'D',
      subject: `${pid}`,
      summary: `${active ? `Cancel root blocker ${pid}, or end its session if needed` : `End root blocker ${pid}`}. ${count(victims, 'session')} behind it can continue.${loses}`,
      slotsFreed: active ? 0 : 1,
      blocked,
      command: 'propose D',
    },
  };
}

/** Nothing to press, and why: else somebody looks for another way to press it. */
function leaveRoot(
  { evidence }: ProposalInput,
  { pid, victims }: Obstacle,
  reason: string,
): ScoredProposal {
  const session = evidence.reading?.sessions.find((one) => one.pid === pid);
  return {
    regret: 5,
    proposal: {
      option: 'D',
      subject: `${pid}`,
      summary: `Skip root blocker ${pid}; ${count(victims, 'session waits', 'sessions wait')} behind it.`,
      slotsFreed: 0,
      blocked: `Session ${pid} is skipped: ${reason}. ${whatHelps(session)}`,
    },
  };
}

function decidePrepared({ evidence }: ProposalInput): ScoredProposal[] {
  const [root] = evidence.blocking.roots;
  if (root === undefined || !('prepared' in root) || lastingWaits(evidence).count === 0) return [];
  return [
    {
      regret: 4,
      proposal: {
        option: 'D',
        subject: null,
        summary: `Commit or roll back the prepared transaction that blocks ${count(root.victims, 'session')}. Its transaction manager knows which.`,
        slotsFreed: 0,
        blocked:
          'A prepared transaction has no session to end. Run COMMIT PREPARED or ROLLBACK PREPARED as its owner.',
      },
    },
  ];
}

/** A cancel ends the query and not the connection; those that hang on their client hear none and are terminated. */
function stopSlow({ evidence, has }: ProposalInput): ScoredProposal[] {
  const { slowQueries = 0, slowClients = 0 } = evidence.reading?.counts ?? {};
  const slow = has('slow-queries') ? unprotected(slowQueries, evidence, false) : 0;
  const hanging =
    findClientWaits(evidence) === undefined ? 0 : unprotected(slowClients, evidence, true);
  if (slow + hanging === 0) return [];
  const over = `for over ${durationOfSeconds(evidence.target.limits.slowQueryMs / 1_000)}`;
  const cancel = `Cancel ${count(slow, 'query', 'queries')} running ${over}: the connections return to their pools.`;
  const end = `End ${count(hanging, 'session')} waiting for a client ${over}: a cancel has no effect there.`;
  const blocked = whyNotSignal(evidence);
  return [
    {
      regret: 4.5,
      proposal: {
        option: 'D',
        subject: null,
        summary: [slow > 0 ? cancel : '', hanging > 0 ? end : ''].filter(Boolean).join(' '),
        slotsFreed: hanging,
        blocked,
        command: 'propose D slow',
      },
    },
  ];
}

/** How many of them the plan would not skip; those that the look does not list are taken for such. */
function unprotected(counted: number, evidence: Evidence, isHanging: boolean): number {
  const { reading, sources, target } = evidence;
  const own = sources.filter(({ kind }) => kind === 'own');
  const atWork = (reading?.sessions ?? []).filter(
    ({ state, own: isOwn, backendType }) =>
      state === 'active' && !isOwn && backendType === 'client backend',
  );
  const unlisted =
    (reading?.counts.active ?? 0) - sum(own.map(({ active }) => active)) - atWork.length;
  const endable = atWork.filter(
    (one) =>
      (one.queryAgeSeconds ?? 0) * 1_000 >= target.limits.slowQueryMs &&
      (one.waitEventType === 'Client') === isHanging &&
      whyBlockerSkipped(toProtection(one, evidence)) === null,
  );
  return Math.min(counted, endable.length + Math.max(0, unlisted));
}

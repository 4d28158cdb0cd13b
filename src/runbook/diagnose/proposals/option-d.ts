import type { Waiter } from '../diagnosis.ts';
import { lastingWaits } from '../lasting-waits.ts';
import type { Case, Weighed } from './case.ts';
import { count, duration } from '../words.ts';
import { whyNotSignal } from './blocked.ts';

/** Fewer behind it, and its own blocker is the better target. */
export const leastFollowers = 2;

/** Stop what blocks others: a queued statement first, then the roots, then queries that only run too long. */
export function proposeStop(now: Case): Weighed[] {
  return [...cancelQueued(now), ...stopRoots(now), ...cancelSlow(now)];
}

/** DDL that waits for a lock makes every reader behind it wait too; without it they go on at once. */
function cancelQueued({ evidence }: Case): Weighed[] {
  const { blocking, followers, reading } = evidence;
  const behind = (waiter: Waiter): number => followers.get(waiter.pid) ?? 0;
  const [queued] = blocking.waiters
    .filter((waiter) => isExclusive(waiter) && behind(waiter) >= leastFollowers)
    .toSorted((a, b) => behind(b) - behind(a));
  if (queued === undefined || reading === undefined) return [];
  const held = behind(queued);
  const blocked = whyNotSignal(evidence);
  return [
    {
      regret: 1,
      proposal: {
        option: 'D',
        subject: `${queued.pid}`,
        summary: `Cancel the queued statement of ${queued.pid}: it waits itself, and ${held} sessions behind it could go on at once. Run it again with a lock_timeout.`,
        slotsFreed: 0,
        blocked,
        ...(blocked === null && { command: 'propose D' }),
      },
    },
  ];
}

/** Whether what it waits for keeps others waiting behind it. */
export function isExclusive({ lock }: Pick<Waiter, 'lock'>): boolean {
  return /^relation (?:AccessExclusive|Exclusive|ShareRowExclusive|Share)Lock/.test(lock);
}

function stopRoots({ evidence }: Case): Weighed[] {
  const { blocking, reading } = evidence;
  const lasting = lastingWaits(evidence).count > 0;
  const [root] = blocking.roots;
  if (!lasting || root === undefined || reading === undefined) return [];
  if ('prepared' in root) {
    return [
      {
        regret: 4,
        proposal: {
          option: 'D',
          subject: null,
          summary: `Decide the prepared transaction that holds up ${count(root.victims, 'session')}: its transaction manager knows whether to commit or roll back.`,
          slotsFreed: 0,
          blocked:
            'A prepared transaction has no session to end; COMMIT or ROLLBACK PREPARED as its owner.',
        },
      },
    ];
  }
  const blocked = whyNotSignal(evidence);
  const session = reading.sessions.find(({ pid }) => pid === root.pid);
  const active = session?.state === 'active';
  const loses = session?.hasWritten === true ? ' What it wrote is lost.' : '';
  return [
    {
      regret: active ? 4 : 3,
      proposal: {
        option: 'D',
        subject: `${root.pid}`,
        summary: `${active ? 'Cancel, then if need be terminate,' : 'Terminate'} the root blocker ${root.pid}: ${count(root.victims, 'session')} behind it go on.${loses}`,
        slotsFreed: active ? 0 : 1,
        blocked,
        ...(blocked === null && { command: 'propose D' }),
      },
    },
  ];
}

function cancelSlow({ evidence, has }: Case): Weighed[] {
  const slow = evidence.reading?.counts.slowQueries ?? 0;
  if (!has('slow-queries') || slow === 0) return [];
  const { slowQueryMs } = evidence.target.limits;
  const blocked = whyNotSignal(evidence);
  return [
    {
      regret: 4.5,
      proposal: {
        option: 'D',
        subject: null,
        summary: `Cancel the ${slow} queries that run for over ${duration(slowQueryMs / 1_000)}: their connections return to their pools.`,
        // Cancelling ends the query, not the connection.
        slotsFreed: 0,
        blocked,
        ...(blocked === null && { command: 'propose D slow' }),
      },
    },
  ];
}

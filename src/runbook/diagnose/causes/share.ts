import { findDeadlocks } from '../deadlocks.ts';
import type { CauseName } from '../diagnosis.ts';
import { lastingWaits } from '../lasting-waits.ts';
import { countLines } from '../logs.ts';
import { sum } from '../../snapshot/words.ts';
import { isDead, outButIdle, shareOf, waitsForItself } from './picture.ts';
import type { CauseInput } from './picture.ts';

interface Measure {
  /** Of what is used, or of the pools that are used up, 0-1. */
  readonly share: number;
  /** Another measure than its share speaks for it: requests that a pool turns away, deadlocks. */
  readonly isOwn: boolean;
}

/** Queues of milliseconds are what locks are for; PostgreSQL itself looks closer after so long (deadlock_timeout). */
const lastingMs = 1_000;

/** What a cause speaks for. */
export function measureOf(cause: CauseName, input: CauseInput): Measure {
  switch (cause) {
    case 'connection-leak':
      return ofLeak(input);
    case 'slow-queries': {
      const running = Math.max(input.slow, input.dragging?.sessions ?? 0);
      return { share: shareOf(running, input), isOwn: false };
    }
    case 'uncommitted-transactions':
      return ofUncommitted(input);
    case 'application-scaling':
      return {
        share: shareOf(sum(input.holders.map(({ holds }) => holds)), input),
        isOwn: input.detail === 'none',
      };
    case 'pool-misconfiguration':
      // Too small a pool is judged where slots are left, by the requests it turns away.
      return {
        share: shareOf(input.holders[0]?.holds ?? 0, input),
        isOwn: input.pressure === 'none' || input.detail !== 'sessions',
      };
    default:
      return ofLocks(input);
  }
}

function ofLeak(input: CauseInput): Measure {
  const { lingering, holders, idleLeak, inTransaction, detail } = input;
  const shares = [
    shareOf(detail === 'titles' ? inTransaction : lingering, input),
    shareOf(idleLeak?.sessions ?? 0, input, idleLeak?.service ?? null),
    ...holders.map((holder) => shareOf(outButIdle(holder), input, holder.service)),
  ];
  return {
    share: Math.max(...shares),
    isOwn: holders.some((holder) => isDead(holder, input) || waitsForItself(holder, input)),
  };
}

/** Those who wait behind them are part of it. */
function ofUncommitted(input: CauseInput): Measure {
  const { evidence, inTransaction, detail, waiting } = input;
  const old = evidence.reading?.counts.idleInTransactionOverWarning ?? 0;
  const pids = new Set(input.lingeringSessions.map(({ pid }) => pid));
  const isRoot = evidence.blocking.roots.some((root) => 'pid' in root && pids.has(root.pid));
  const held = detail === 'titles' ? inTransaction : old + (isRoot ? waiting : 0);
  return { share: shareOf(held, input), isOwn: false };
}

/** Where slots are left, it is the waiting that hurts. */
function ofLocks(input: CauseInput): Measure {
  const { evidence, pressure, waitingLong } = input;
  const { blocking, logs, reading } = evidence;
  const counted = findDeadlocks(evidence)?.count ?? 0;
  const deadlocks = countLines(logs, ['deadlock']) + counted + blocking.cycles.length > 0;
  const busy = reading?.lockManagerBusy !== undefined;
  const isLasting = busy || lastingWaits(evidence).longestSeconds * 1_000 >= lastingMs;
  const waiting = isLasting ? input.waiting + blocking.roots.length : 0;
  return {
    share: shareOf(waiting, input),
    isOwn: deadlocks || (pressure === 'none' && waitingLong > 0),
  };
}

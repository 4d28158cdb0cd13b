import { findDeadlocks } from '../deadlocks.ts';
import type { CauseName } from '../diagnosis.ts';
import { lastingWaits } from '../lasting-waits.ts';
import { countLines } from '../logs.ts';
import { sum } from '../words.ts';
import { isDead, outButIdle, shareOf, waitsForItself } from './picture.ts';
import type { Picture } from './picture.ts';

interface Measure {
  /** Of what is used, or of the pools that are used up, 0-1. */
  readonly share: number;
  /** Another measure than its share speaks for it: requests that a pool turns away, deadlocks. */
  readonly isOwn: boolean;
}

/** Queues of milliseconds are what locks are for; PostgreSQL itself looks closer after so long (deadlock_timeout). */
const lastingMs = 1_000;

/** What a cause speaks for. */
export function measureOf(cause: CauseName, picture: Picture): Measure {
  switch (cause) {
    case 'connection-leak':
      return ofLeak(picture);
    case 'slow-queries': {
      const running = Math.max(picture.slow, picture.dragging?.sessions ?? 0);
      return { share: shareOf(running, picture), isOwn: false };
    }
    case 'uncommitted-transactions':
      return ofUncommitted(picture);
    case 'application-scaling':
      return {
        share: shareOf(sum(picture.holders.map(({ holds }) => holds)), picture),
        isOwn: picture.sight === 'none',
      };
    case 'pool-misconfiguration':
      // Too small a pool is judged where slots are left, by the requests it turns away.
      return {
        share: shareOf(picture.holders[0]?.holds ?? 0, picture),
        isOwn: picture.pressure === 'none' || picture.sight !== 'sessions',
      };
    default:
      return ofLocks(picture);
  }
}

function ofLeak(picture: Picture): Measure {
  const { lingering, holders, idleLeak, inTransaction, sight } = picture;
  const shares = [
    shareOf(sight === 'titles' ? inTransaction : lingering, picture),
    shareOf(idleLeak?.sessions ?? 0, picture, idleLeak?.service ?? null),
    ...holders.map((holder) => shareOf(outButIdle(holder), picture, holder.service)),
  ];
  return {
    share: Math.max(...shares),
    isOwn: holders.some((holder) => isDead(holder, picture) || waitsForItself(holder, picture)),
  };
}

/** Those who wait behind them are part of it. */
function ofUncommitted(picture: Picture): Measure {
  const { evidence, inTransaction, sight, waiting } = picture;
  const old = evidence.reading?.counts.idleInTransactionOverWarning ?? 0;
  const pids = new Set(picture.lingeringSessions.map(({ pid }) => pid));
  const isRoot = evidence.blocking.roots.some((root) => 'pid' in root && pids.has(root.pid));
  const held = sight === 'titles' ? inTransaction : old + (isRoot ? waiting : 0);
  return { share: shareOf(held, picture), isOwn: false };
}

/** Where slots are left, it is the waiting that hurts. */
function ofLocks(picture: Picture): Measure {
  const { evidence, pressure, waitingLong } = picture;
  const { blocking, logs, reading } = evidence;
  const counted = findDeadlocks(evidence)?.count ?? 0;
  const deadlocks = countLines(logs, ['deadlock']) + counted + blocking.cycles.length > 0;
  const busy = reading?.lockManagerBusy !== undefined;
  const isLasting = busy || lastingWaits(evidence).longestSeconds * 1_000 >= lastingMs;
  const waiting = isLasting ? picture.waiting + blocking.roots.length : 0;
  return {
    share: shareOf(waiting, picture),
    isOwn: deadlocks || (pressure === 'none' && waitingLong > 0),
  };
}

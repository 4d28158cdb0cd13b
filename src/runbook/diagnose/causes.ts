import { percent, sum } from '../snapshot/words.ts';
import { judgeApplicationScaling } from './causes/application-scaling.ts';
import {
  isDead,
  leastShare,
  outButIdle,
  shareOf,
  toCauseInput,
  waitsForItself,
} from './causes/cause-input.ts';
import type { CauseInput } from './causes/cause-input.ts';
import { judgeConnectionLeak } from './causes/connection-leak.ts';
import { judgeLockContention } from './causes/lock-contention.ts';
import { judgePoolMisconfiguration } from './causes/pool-misconfiguration.ts';
import { judgeSlowQueries } from './causes/slow-queries.ts';
import { judgeUncommittedTransactions } from './causes/uncommitted-transactions.ts';
import { isTrouble } from './diagnosis-parts.ts';
import type { Cause, CauseName, Finding } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { isVisible } from './findings/reach.ts';
import { countLines, pressureOf } from './summarise.ts';
import { findDeadlocks, isTelling, lastingWaits } from './waits.ts';

interface Measure {
  /** Of what is used, or of the pools that are used up, 0-1. */
  readonly share: number;
  /** Another measure than its share speaks for it: requests that a pool turns away, deadlocks. */
  readonly isOwn: boolean;
}

/** Queues of milliseconds are what locks are for; PostgreSQL itself looks closer after so long (deadlock_timeout). */
const lastingMs = 1_000;

/** What a cause speaks for. */
function measureOf(cause: CauseName, input: CauseInput): Measure {
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

/**
 * Which of the runbook's six causes it looks like, the likeliest first; none when none fits.
 *
 * Each asks what holds the slots, or keeps the pools dry, as the cause physically looks. Without its first
 * sign a cause is not considered; the others add to or take from its confidence, and each is a sentence of
 * `because` or `against`. Several may be true at once. What holds less than a fifth of what is used, or of the pools
 * that are used up, is not named; what holds less than half is told how much it does not explain.
 *
 * | cause | not without | what else speaks for it | what speaks against it |
 * |---|---|---|---|
 * | connection-leak | 3 or more lingering in a transaction with the same last statement; or connections the pool counts as in use and PostgreSQL as idle or gone; or a dry pool that rests in transactions; or, where no pool tells, 5 or more used once, opened one after another until lately, and idle for over `terminateIdleMs` or growing | they wrote nothing; left one after another; the pool used up while little runs; growth; more held than the pools may open | they wrote; most sessions work; more wait for locks; as many were closed as opened; the pool could not be asked |
 * | slow-queries | active for over `slowQueryMs`, not waiting for a lock or its client, no commit, no maintenance; or slots or a pool short, and most of what runs is one statement of a second or more, ten times as slow and three times as many as usual | their share of the slots and of the active; dry pools | more wait for locks; they are few; what is usual is not known; the server is short of storage or processors (short of internal locks: not considered) |
 * | uncommitted-transactions | idle in transaction for over `idleInTransactionWarningMs` | they wrote; different statements; their share, with those they block | the same statement and nothing written; few, blocking nobody; more wait for locks |
 * | application-scaling | slots short, 3 or more processes, none with a pool of over 35 % of the slots; at the warning level also half of the sessions unused; no queries slower than usual; or old and new replicas of a service at once; never where strangers hold half or clients were abandoned | all together may exhaust the server; modest pools; unsuspicious, unused, fresh sessions; refusals | they cannot exhaust it; many sessions slow, blocked or forgotten |
 * | pool-misconfiguration | too large: slots short, one process may take 30 % of them by numbers that were read, and it keeps them idle, and no deploy doubles it, no strangers hold half and none of its clients were abandoned; too small: a pool at its limit or timing out while the server is under 60 % | the pool counts them as not in use; its share / requests gave up; short work; a limit under 10 % | the pool counts them as in use; sessions slow, blocked or forgotten hold it |
 * | lock-contention | waits of over `lockWaitMs`, or three waiters for over a second, a ring, or deadlocks in the logs or by the counter; not behind maintenance alone | a lock manager busy with deadlock checks; the waiters' share; nobody else at work; one root with many victims | a single waiter; nobody waiting now |
 *
 * *Lingering* and *unused* mean silent for a tenth of `idleInTransactionWarningMs`, but a second at least: an
 * application at work comes back within milliseconds. So a server at 85 % with short queries has no cause.
 * A pooler's sessions are nobody's pool, and a pool that runs dry because its clients queue in a pooler is not too
 * small: both are judged by the pooler's own findings.
 * dbconn's own sessions are in no figure, and consoles are no holder with a pool. Without a connection only process
 * titles, pools, budget and logs speak, and confidence stays low.
 */
export function findCauses(evidence: Evidence, findings: readonly Finding[]): Cause[] {
  const { reading, capacity, target } = evidence;
  // Where sessions are hidden, what is seen is judged once it is trouble by itself; hidden ones are in nobody's share.
  if (reading && !isVisible(reading) && pressureOf(capacity, target.limits) !== 'critical')
    return [];
  const input = toCauseInput(evidence);
  return [
    judgeConnectionLeak,
    judgeSlowQueries,
    judgeUncommittedTransactions,
    judgeApplicationScaling,
    judgePoolMisconfiguration,
    judgeLockContention,
  ]
    .flatMap((judge) => judge(input))
    .filter((cause) => !isGuess(cause, input, findings) && !isUntracked(cause, evidence))
    .flatMap((cause) => inProportion(cause, input))
    .toSorted((a, b) => b.confidence - a.confidence);
}

/** A slow disk or a busy processor makes every query slow: without knowing what is usual, that name is the better one. */
function isGuess(
  { cause }: Cause,
  { dragging }: CauseInput,
  findings: readonly Finding[],
): boolean {
  return (
    cause === 'slow-queries' &&
    dragging !== undefined &&
    dragging.usual === null &&
    findings.some(({ id }) => isTrouble(id))
  );
}

/** Where many sessions are not tracked, all that is known of them is where they wait. */
function isUntracked({ cause }: Cause, evidence: Evidence): boolean {
  return (
    cause !== 'lock-contention' && isTelling(evidence.reading?.untracked.sessions ?? 0, evidence)
  );
}

/** A cause speaks for its share: what holds little is not named, and what others hold is said. */
function inProportion(cause: Cause, input: CauseInput): Cause[] {
  const { share, isOwn } = measureOf(cause.cause, input);
  if (isOwn) return [cause];
  if (share < leastShare) return [];
  if (share >= 0.5) return [cause];
  const rest = `They do not explain the other ${percent(1 - share)} of the connections.`;
  return [{ ...cause, against: [...cause.against, rest] }];
}

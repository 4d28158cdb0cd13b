import { judgeApplicationScaling } from './causes/application-scaling.ts';
import { judgeConnectionLeak } from './causes/connection-leak.ts';
import { judgeLockContention } from './causes/lock-contention.ts';
import { toPicture } from './causes/picture.ts';
import { judgePoolMisconfiguration } from './causes/pool-misconfiguration.ts';
import { judgeSlowQueries } from './causes/slow-queries.ts';
import { judgeUncommittedTransactions } from './causes/uncommitted-transactions.ts';
import type { Cause } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { isVisible } from './findings/reach.ts';

/**
 * Which of the runbook's six causes it looks like, the likeliest first; none when none fits.
 *
 * Each asks what holds the slots, or keeps the pools dry, as the cause physically looks. Without its first
 * sign a cause is not considered; the others add to or take from its confidence, and each is a sentence of
 * `because` or `against`. Several may be true at once.
 *
 * | cause | not without | what else speaks for it | what speaks against it |
 * |---|---|---|---|
 * | connection-leak | 3 or more lingering in a transaction with the same last statement; or connections the pool counts as in use and PostgreSQL as idle | they wrote nothing; left one after another; the pool used up while little runs; growth; more held than the pools may open | they wrote; most sessions work; more wait for locks |
 * | slow-queries | active for over `slowQueryMs`, not waiting for a lock | their share of the slots and of the active; dry pools | more wait for locks; they are few |
 * | uncommitted-transactions | idle in transaction for over `idleInTransactionWarningMs` | they wrote; different statements; their share; they block others | the same statement and nothing written; few, blocking nobody; more wait for locks |
 * | application-scaling | slots short, 3 or more processes, none with a pool of over 35 % of the slots; at the warning level also half of the sessions unused | all together may exhaust the server; modest pools; unsuspicious, unused, fresh sessions; refusals | they cannot exhaust it; many sessions slow, blocked or forgotten |
 * | pool-misconfiguration | too large: slots short, one process may take 30 % of them, and it keeps them idle; too small: a pool at its limit or timing out while the server is under 60 % | the pool counts them as not in use; its share / requests gave up; short work; a limit under 10 % | the pool counts them as in use; sessions slow, blocked or forgotten hold it |
 * | lock-contention | waits of over `lockWaitMs`, or three waiters, a ring, or deadlocks in the logs | a lock manager busy with deadlock checks; the waiters' share; nobody else at work; one root with many victims | a single waiter; nobody waiting now |
 *
 * *Lingering* and *unused* mean silent for a tenth of `idleInTransactionWarningMs`, but a second at least: an
 * application at work comes back within milliseconds. So a server at 85 % with short queries has no cause.
 * Without a connection only process titles, pools, budget and logs speak, and confidence stays low.
 */
export function findCauses(evidence: Evidence): Cause[] {
  // Sessions that are hidden would make any cause look certain, or absent.
  if (evidence.reading !== undefined && !isVisible(evidence.reading)) return [];
  const picture = toPicture(evidence);
  return [
    judgeConnectionLeak,
    judgeSlowQueries,
    judgeUncommittedTransactions,
    judgeApplicationScaling,
    judgePoolMisconfiguration,
    judgeLockContention,
  ]
    .flatMap((judge) => judge(picture))
    .toSorted((a, b) => b.confidence - a.confidence);
}

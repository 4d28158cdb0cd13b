import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { countLines } from '../logs.ts';
import type { PoolReading, Problem } from '../../snapshot/snapshot.ts';
import { cleanUntrusted } from '../untrusted.ts';
import { percent } from '../../snapshot/words.ts';

/** The runbook's step 4: the applications' own view. */
export function findInPools({ snapshot, poolReadings, logs, target }: Evidence): Finding[] {
  const { pools } = snapshot;
  if (!pools.ok) return unread(pools.problem);
  return [
    ...pools.value.flatMap(({ service, endpoint, problem }) =>
      problem === undefined
        ? []
        : [
            {
              id: 'pool-endpoint-down',
              severity: 'warning' as const,
              summary: `The pool metrics of ${service} cannot be read.`,
              evidence: [cleanUntrusted(`${endpoint}: ${problem.summary}`, 300)],
              fix: problem.fix ?? `Check that ${service} runs and serves its metrics.`,
            },
          ],
    ),
    ...poolReadings
      .filter(({ utilisation }) => (utilisation ?? 0) >= target.limits.poolUtilisation)
      .map((pool) => {
        const timeouts = countLines(logs, ['pool-timeout'], pool.service) > 0;
        return nearLimit(pool, timeouts, target.limits.poolUtilisation);
      }),
    ...poolReadings.filter(({ limit }) => limit === 'unlimited').map(endless),
  ];
}

function unread({ kind, summary, fix }: Problem): Finding[] {
  if (kind === 'not-configured') return [];
  return [
    {
      id: 'pools-unread',
      severity: 'warning',
      summary: "The applications' pool metrics could not be read.",
      evidence: [cleanUntrusted(summary, 300)],
      ...(fix !== undefined && { fix }),
    },
  ];
}

function nearLimit(pool: PoolReading, timeouts: boolean, limit: number): Finding {
  const share = pool.utilisation ?? 0;
  return {
    id: 'pool-near-limit',
    // At its limit a pool lets requests wait; that they gave up makes it an outage.
    severity: share >= 1 && timeouts ? 'critical' : 'warning',
    summary: `A pool of ${pool.service} has ${pool.checkedOut} of ${pool.limit ?? 'its'} connections checked out (${percent(share)}).`,
    figure: { value: share, unit: 'share of the pool', limit },
    evidence: [cleanUntrusted(`The pool is ${pool.name}.`, 200)],
    fix: 'See whether its connections work, wait or were forgotten before making it larger.',
  };
}

function endless({ service, name }: PoolReading): Finding {
  return {
    id: 'pool-without-limit',
    severity: 'info',
    summary: `A pool of ${service} has no upper limit: it alone can take every slot.`,
    evidence: [cleanUntrusted(`The pool is ${name}.`, 200)],
    fix: 'Give it a maximum: an overflow of 0 or more, and a size above 0.',
  };
}

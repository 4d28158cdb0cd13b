import { cleanUntrusted } from '../../snapshot/redaction/redact-text.ts';
import type { PoolReading } from '../../snapshot/readings.ts';
import type { ReplicaReading, ServiceReading, SettingReading } from '../../snapshot/snapshot.ts';
import type { PoolVariables } from '../../snapshot/target.ts';
import { count, list, percent } from '../../snapshot/words.ts';
import { isDeploying } from '../deploys.ts';
import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { nameVariable } from '../pool-sizes.ts';
import { countLines, pressureOf } from '../summarise.ts';
import { unread } from './services.ts';

/** What may happen, said before it does; and who holds more than it may. */
export function findInBudget({ budget, capacity, target, overlaps }: Evidence): Finding[] {
  const { lines, usable, others, mayOpen, canExhaust } = budget;
  const findings: Finding[] = lines
    .filter((line) => typeof line.mayOpen === 'number' && (line.holds ?? 0) > line.mayOpen)
    .map((line) => ({
      id: 'service-over-budget',
      severity: 'warning',
      summary: `${line.service} holds ${line.holds ?? 0} connections, but its pools may open only ${line.mayOpen ?? 0}.`,
      figure: { value: line.holds ?? 0, unit: 'connections', limit: Number(line.mayOpen) },
      evidence: [
        'Possible reasons: connections outside the pool, extra workers, or an old replica.',
      ],
      fix: `Compare the configured workers of ${line.service} with those that run.`,
    }));
  if (canExhaust === true && usable !== null) {
    const sum = typeof mayOpen === 'number' ? count(mayOpen, 'connection') : 'any number';
    findings.push({
      id: 'budget-can-exhaust',
      // Overcommitting is common and often wise; it is trouble when the slots run out.
      severity: pressureOf(capacity, target.limits) === 'none' ? 'info' : 'warning',
      summary: `All services${budget.poolers === undefined ? '' : ' and poolers'} together may open ${sum}; ${usable} are usable.`,
      ...(typeof mayOpen === 'number' && {
        figure: { value: mayOpen, unit: 'connections', limit: usable },
      }),
      evidence: [
        ...lines.map((line) => `${line.service}: ${describe(line)}.`),
        ...(budget.poolers ?? []).map(
          (one) => `${one.name}: ${count(one.replicas, 'replica')}, together ${one.mayOpen}.`,
        ),
        ...(others === null ? [] : [`Others: ${others} now.`]),
      ],
      fix: isDeploying(overlaps)
        ? 'Check again after the deploy: the pools of the old replicas end with it.'
        : budget.poolers === undefined
          ? 'Make the pools smaller, or put a pooler such as PgBouncer in between.'
          : 'Make the pools of the services smaller, and limit PgBouncer with pool_size or max_db_connections.',
    });
  }
  return findings;
}

function describe(line: Evidence['budget']['lines'][number]): string {
  const { workers, mayOpen, mixed = [line] } = line;
  const parts = mixed.map(
    ({ replicas, poolSize, maxOverflow }) =>
      `${count(replicas, 'replica')} x ${count(workers, 'worker')} x (${poolSize ?? '?'} + ${maxOverflow ?? '?'})`,
  );
  return `${parts.join(' + ')} = ${mayOpen ?? 'unknown'}`;
}

type PoolSettings = ReplicaReading['pool'];

/** The runbook's recommendation: callers have given up before a longer wait is over. */
const longestWaitSeconds = 30;
const recycleSeconds = 1800;

const variables: Readonly<Record<keyof PoolSettings, keyof PoolVariables>> = {
  size: 'size',
  maxOverflow: 'overflow',
  timeoutSeconds: 'timeout',
  recycleSeconds: 'recycle',
  prePing: 'prePing',
};

/**
 * The runbook's prevention: what the containers' environment says of each pool, against what it recommends, and
 * against the server's own time-out. What an environment does not say is not known, and no finding.
 */
export function findInPoolSettings({
  services,
  reading,
}: Pick<Evidence, 'services' | 'reading'>): Finding[] {
  const idleMs = readIdleTimeout(reading?.settings ?? []);
  const found = services.flatMap((service) => judge(service, idleMs));
  return idleMs === 0 ? found : [...found, endsIdle(idleMs)];
}

/** For everybody: 0 where it is off, or where dbconn's own role has another value and what holds cannot be seen. */
function readIdleTimeout(settings: readonly SettingReading[]): number {
  const found = settings.find(({ name }) => name === 'idle_session_timeout');
  const isForAll = found?.source === 'configuration file' || found?.source === 'command line';
  return isForAll ? Number(found.value) : 0;
}

function judge({ name, replicas }: ServiceReading, idleMs: number): Finding[] {
  const pools = replicas.map(({ pool }) => pool);
  const named = (key: keyof PoolSettings): string => nameVariable(replicas, variables[key]);
  const some = (fits: (pool: PoolSettings) => boolean): boolean => pools.some(fits);
  const info = (id: string, summary: string, fix: string): Finding => {
    return { id, severity: 'info', summary, evidence: [], fix };
  };
  const outlives = (pool: PoolSettings): boolean =>
    pool.prePing === false && (pool.recycleSeconds ?? 0) * 1000 >= idleMs;
  return [
    ...differ(name, pools, named),
    ...(some(({ prePing }) => prePing === false)
      ? [
          {
            ...info(
              'pool-setting-pre-ping-off',
              `${name} does not test a connection before use: each ended session causes one failed request.`,
              `Set ${named('prePing')}=true.`,
            ),
            // The server ends what the pool believes to be alive.
            ...(idleMs > 0 && some(outlives) && { severity: 'warning' as const }),
          },
        ]
      : []),
    ...(some(({ recycleSeconds }) => recycleSeconds !== null && recycleSeconds < 0)
      ? [
          info(
            'pool-setting-recycle-off',
            `${name} never replaces an old connection.`,
            `Set ${named('recycleSeconds')}=${recycleSeconds}.`,
          ),
        ]
      : []),
    ...(some(({ timeoutSeconds }) => (timeoutSeconds ?? 0) > longestWaitSeconds)
      ? [
          info(
            'pool-setting-timeout-long',
            `Requests of ${name} wait up to ${Math.max(...pools.map(({ timeoutSeconds }) => timeoutSeconds ?? 0))} s for a connection, longer than callers wait.`,
            `Set ${named('timeoutSeconds')}=${longestWaitSeconds} or less.`,
          ),
        ]
      : []),
  ];
}

/** A changed .env reaches only the containers that were recreated since. */
function differ(
  name: string,
  pools: readonly PoolSettings[],
  named: (key: keyof PoolSettings) => string,
): Finding[] {
  const keys: readonly (keyof PoolSettings)[] = [
    'size',
    'maxOverflow',
    'timeoutSeconds',
    'recycleSeconds',
    'prePing',
  ];
  const odd = keys.filter((key) => new Set(pools.map((pool) => pool[key])).size > 1);
  if (odd.length === 0) return [];
  return [
    {
      id: 'pool-settings-differ',
      severity: 'info',
      summary: `The ${count(pools.length, 'replica')} of ${name} have different values of ${list(odd.map(named))}.`,
      evidence: [],
      fix: `Run docker compose up -d ${name}: it recreates replicas with an old environment. A restart does not.`,
    },
  ];
}

function endsIdle(idleMs: number): Finding {
  return {
    id: 'idle-session-timeout-for-all',
    severity: 'info',
    summary:
      'idle_session_timeout ends idle sessions of pools and poolers, so their next request may fail.',
    figure: { value: idleMs / 1000, unit: 'seconds' },
    evidence: [],
    fix: 'Set it only for roles of people and reports: ALTER ROLE … SET idle_session_timeout.',
  };
}

/** The runbook's step 4: the applications' own view. */
export function findInPools({ snapshot, poolReadings, logs, target }: Evidence): Finding[] {
  const { pools } = snapshot;
  if (!pools.ok) {
    const summary = "The applications' pool metrics could not be read.";
    return unread({ id: 'pools-unread', severity: 'warning', summary }, pools.problem);
  }
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

function nearLimit(pool: PoolReading, timeouts: boolean, limit: number): Finding {
  const share = pool.utilisation ?? 0;
  return {
    id: 'pool-near-limit',
    // At its limit a pool lets requests wait; that they gave up makes it an outage.
    severity: share >= 1 && timeouts ? 'critical' : 'warning',
    summary: `A pool of ${pool.service} has ${pool.checkedOut} of ${pool.limit ?? 'its'} connections checked out (${percent(share)}).`,
    figure: { value: share, unit: 'share of the pool', limit },
    evidence: [cleanUntrusted(`The pool is ${pool.name}.`, 200)],
    fix: 'Before making it larger, check whether its connections run, wait or sit idle.',
  };
}

function endless({ service, name }: PoolReading): Finding {
  return {
    id: 'pool-without-limit',
    severity: 'info',
    summary: `A pool of ${service} has no upper limit: it alone can take every slot.`,
    evidence: [cleanUntrusted(`The pool is ${name}.`, 200)],
    fix: 'Set a limit: an overflow of 0 or more, and a size above 0.',
  };
}

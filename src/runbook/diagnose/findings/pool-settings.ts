import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import type { ReplicaReading, ServiceReading, SettingReading } from '../../snapshot/snapshot.ts';
import type { PoolVariables } from '../../snapshot/target.ts';
import { nameVariable } from '../pool-variables.ts';
import { count, list } from '../../snapshot/words.ts';

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
              `${name} does not try a connection before it uses it: each session that is ended costs a request an error.`,
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
            `${name} waits for a connection longer than its callers wait for an answer: ${Math.max(...pools.map(({ timeoutSeconds }) => timeoutSeconds ?? 0))} s.`,
            `Set ${named('timeoutSeconds')}=${longestWaitSeconds} or less.`,
          ),
        ]
      : []),
  ];
}

/** A changed .env reaches only the containers that were made anew since. */
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
      summary: `The ${count(pools.length, 'replica')} of ${name} do not agree on ${list(odd.map(named))}.`,
      evidence: [],
      fix: `docker compose up -d ${name} makes those anew that have an old environment; a restart would not.`,
    },
  ];
}

function endsIdle(idleMs: number): Finding {
  return {
    id: 'idle-session-timeout-for-all',
    severity: 'info',
    summary:
      'idle_session_timeout ends the idle sessions of every pool and pooler: their next requests may meet an error.',
    figure: { value: idleMs / 1000, unit: 'seconds' },
    evidence: [],
    fix: 'Set it for the roles of people and reports instead: ALTER ROLE … SET idle_session_timeout.',
  };
}

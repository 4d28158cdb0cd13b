import type { Part } from '../../diagnose/snapshot.ts';
import { count, duration, sum } from '../../diagnose/words.ts';
import type { PoolerReading } from '../../ports/pooler.ts';
import type { Ground } from '../advice/ground.ts';
import { advisePooler } from '../advice/pools.ts';
import type { PreventionCheck } from '../prevention.ts';

/** PgBouncer: what its console shows where there is one, and whether one is needed where there is none. */
export function checkPooler(
  ground: Ground,
  pooler: Part<PoolerReading> | undefined,
): PreventionCheck[] {
  if (pooler === undefined) return [whetherNeeded(ground)];
  if (pooler.ok)
    return [
      checkMode(pooler.value),
      checkWaiting(pooler.value),
      ...checkSize(ground, pooler.value),
    ];
  const { summary, fix = 'See targets.pgbouncer in dbconn.yml.' } = pooler.problem;
  return [
    {
      part: 'pooler',
      state: 'unknown',
      setting: 'PgBouncer',
      now: null,
      better: fix,
      because: summary,
    },
  ];
}

function whetherNeeded(ground: Ground): PreventionCheck {
  const [advice] = advisePooler(ground);
  if (advice !== undefined) return { part: 'pooler', state: 'advice', ...advice };
  const { lines, usable, mayOpen } = ground.budget;
  const isKnown = usable !== null && lines.length > 0 && mayOpen !== null;
  return {
    part: 'pooler',
    state: isKnown ? 'ok' : 'unknown',
    setting: 'PgBouncer',
    now: 'none configured',
    better: 'none needed',
    because: isKnown
      ? `Pools can be sized so that all services fit into ${usable} usable connections without one.`
      : 'Whether the pools fit without one cannot be told: not all of their numbers are known.',
  };
}

function checkMode({ poolMode, version }: PoolerReading): PreventionCheck {
  const isShared = poolMode !== 'session';
  return {
    part: 'pooler',
    state: isShared ? 'ok' : 'advice',
    setting: 'pool_mode of PgBouncer',
    now: poolMode,
    better: isShared ? poolMode : 'transaction',
    because: isShared
      ? `${version} lends a connection for a transaction only.`
      : 'In session mode each client keeps its connection until it goes: that saves logins, not slots. Transaction mode forbids session state such as SET, LISTEN and advisory locks.',
  };
}

function checkWaiting({ pools, maxClientConnections }: PoolerReading): PreventionCheck {
  const waiting = sum(pools.map(({ clientsWaiting }) => clientsWaiting));
  const longest = Math.max(0, ...pools.map(({ longestWaitSeconds }) => longestWaitSeconds));
  const clients = waiting + sum(pools.map(({ clientsActive }) => clientsActive));
  const isFine = waiting === 0;
  return {
    part: 'pooler',
    state: isFine ? 'ok' : 'advice',
    setting: 'clients waiting in PgBouncer',
    now: String(waiting),
    better: '0',
    because: isFine
      ? `${count(clients, 'client')} of ${maxClientConnections} allowed, and none waits.`
      : `The first has waited for ${duration(longest)}: PostgreSQL looks calm while the pooler is full. Find who holds its server connections, then see default_pool_size.`,
  };
}

/** What all its pools may open together must leave room for everybody else. */
function checkSize(
  { budget }: Ground,
  { defaultPoolSize, maxDatabaseConnections, poolsTotal, pools }: PoolerReading,
): PreventionCheck[] {
  const { usable } = budget;
  if (usable === null || poolsTotal === 0) return [];
  const databases = new Set(pools.map(({ database }) => database)).size;
  const bySize = defaultPoolSize * poolsTotal;
  const mayOpen =
    maxDatabaseConnections > 0 ? Math.min(bySize, maxDatabaseConnections * databases) : bySize;
  const isFine = mayOpen <= usable;
  return [
    {
      part: 'pooler',
      state: isFine ? 'ok' : 'advice',
      setting: 'default_pool_size of PgBouncer',
      now: String(defaultPoolSize),
      better: isFine
        ? String(defaultPoolSize)
        : String(Math.max(1, Math.floor((usable * 0.8) / poolsTotal))),
      because: `${count(poolsTotal, 'pool')} may open ${mayOpen} of ${usable} usable connections.`,
    },
  ];
}

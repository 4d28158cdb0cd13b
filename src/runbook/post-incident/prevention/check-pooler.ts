import { queuedPools } from '../../diagnose/poolers.ts';
import type { PoolerReading } from '../../diagnose/pooler-reading.ts';
import type { Part, PoolerSnapshot } from '../../snapshot/snapshot.ts';
import { count, durationOfSeconds, sum } from '../../snapshot/words.ts';
import type { AdviceInput } from '../advice/ground.ts';
import { advisePooler } from '../advice/pools.ts';
import type { PreventionCheck } from '../prevention.ts';

/** PgBouncer: what its consoles show where there are some, and whether one is needed where there is none. */
export function checkPoolers(
  input: AdviceInput,
  poolers: Part<readonly PoolerSnapshot[]> | undefined,
): PreventionCheck[] {
  if (poolers === undefined) return [whetherNeeded(input)];
  if (!poolers.ok) return [unread('PgBouncer', poolers.problem)];
  return poolers.value.flatMap(({ name, problem, reading }) =>
    reading === undefined
      ? [unread(name, problem)]
      : [checkMode(name, reading), checkWaiting(name, reading), ...checkSize(input, name)],
  );
}

function unread(name: string, problem: PoolerSnapshot['problem']): PreventionCheck {
  return {
    part: 'pooler',
    state: 'unknown',
    setting: name,
    now: null,
    better: problem?.fix ?? 'See pgbouncer of the target in dbconn.yml.',
    because: problem?.summary ?? 'It could not be read.',
  };
}

function whetherNeeded(input: AdviceInput): PreventionCheck {
  const [advice] = advisePooler(input);
  if (advice !== undefined) return { part: 'pooler', state: 'advice', ...advice };
  const { lines, usable, mayOpen } = input.budget;
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

function checkMode(name: string, { poolMode, version }: PoolerReading): PreventionCheck {
  const isShared = poolMode !== 'session';
  return {
    part: 'pooler',
    state: isShared ? 'ok' : 'advice',
    setting: `pool_mode of ${name}`,
    now: poolMode,
    better: isShared ? poolMode : 'transaction',
    because: isShared
      ? `${version} lends a connection for a transaction only.`
      : 'In session mode each client keeps its connection until it goes: that saves logins, not slots. Transaction mode forbids session state such as SET, LISTEN and advisory locks.',
  };
}

function checkWaiting(name: string, reading: PoolerReading): PreventionCheck {
  const { clients, clientsWaiting, longestWaitSeconds, maxClientConnections } = reading;
  // In transaction mode clients wait for milliseconds all the time.
  const isFine = queuedPools(reading).length === 0;
  return {
    part: 'pooler',
    state: isFine ? 'ok' : 'advice',
    setting: `clients waiting in ${name}`,
    now: String(clientsWaiting),
    better: '0',
    because: isFine
      ? `${count(clients, 'client')} of ${maxClientConnections} allowed, and none waits for long.`
      : `The first has waited for ${durationOfSeconds(longestWaitSeconds)}: PostgreSQL looks calm while the pooler is full. Find who holds its server connections, then see default_pool_size.`,
  };
}

/** What all poolers may open together must leave room for everybody else. */
function checkSize(
  { budget: { usable, poolers = [] } }: AdviceInput,
  name: string,
): PreventionCheck[] {
  const own = poolers.find((one) => one.name === name);
  if (usable === null || own === undefined) return [];
  const all = sum(poolers.map(({ mayOpen }) => (mayOpen === 'unlimited' ? Infinity : mayOpen)));
  const isFine = all <= usable;
  const replicas = sum(poolers.map((one) => one.replicas));
  const now = own.mayOpen === 'unlimited' ? own.mayOpen : String(own.mayOpen / own.replicas);
  return [
    {
      part: 'pooler',
      state: isFine ? 'ok' : 'advice',
      setting: `server connections of ${name} (pool_size, max_db_connections)`,
      now,
      better: isFine ? now : String(Math.max(1, Math.floor((usable * 0.8) / replicas))),
      because: `${count(replicas, 'PgBouncer')} together may open ${Number.isFinite(all) ? all : 'any number'} of ${usable} usable connections.`,
    },
  ];
}

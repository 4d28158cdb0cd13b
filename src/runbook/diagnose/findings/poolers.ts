import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import type { PoolerPool } from '../pooler-reading.ts';
import { queuedPools } from '../poolers.ts';
import type { KnownPooler } from '../poolers.ts';
import { pressureOf } from '../pressure.ts';
import type { PoolerSnapshot, Problem } from '../../snapshot/snapshot.ts';
import { cleanUntrusted } from '../untrusted.ts';
import { count, durationOfSeconds, list, sum } from '../../snapshot/words.ts';
import { whatHolds } from './pooler-holders.ts';

/** The poolers in front of PostgreSQL: whether they can be seen, keep up, and fit. */
export function findInPoolers(evidence: Evidence): Finding[] {
  const { poolers: part } = evidence.snapshot;
  if (part === undefined) return [];
  if (!part.ok) return [unread('The poolers', part.problem)];
  return [
    ...part.value.flatMap(({ name, problem }: PoolerSnapshot) =>
      problem === undefined ? [] : [unread(name, problem)],
    ),
    ...evidence.poolers.flatMap((pooler) => [
      ...queue(pooler, evidence),
      ...nearLimit(pooler, evidence),
    ]),
    ...tooMany(evidence),
  ];
}

function unread(name: string, { summary, fix }: Problem): Finding {
  return {
    id: 'pooler-unread',
    severity: 'warning',
    summary: `The console of ${name} could not be read: clients may wait there unseen.`,
    evidence: [cleanUntrusted(summary, 300)],
    ...(fix !== undefined && { fix }),
  };
}

/** From here on PgBouncer itself tells its clients that they wait (query_wait_notify), and opens its reserve. */
const longSeconds = 5;

/** Clients that wait for a server connection are an outage of the application, however calm PostgreSQL is. */
function queue(pooler: KnownPooler, evidence: Evidence): Finding[] {
  const { name, reading } = pooler;
  const queued = queuedPools(reading);
  const [longestQueue] = queued;
  if (longestQueue === undefined) return [];
  const waiting = sum(queued.map(({ clientsWaiting }) => clientsWaiting));
  const { because, fix } = whatHolds(longestQueue, pooler, evidence);
  const isCritical = queued.some(
    (pool) =>
      pool.longestWaitSeconds >= longSeconds ||
      // There the queue moves only when a client disconnects.
      pool.mode === 'session' ||
      pool.clientsWaiting >= pool.servers / 2,
  );
  return [
    {
      id: 'pooler-queue',
      severity: isCritical ? 'critical' : 'warning',
      summary: `${count(waiting, 'client waits', 'clients wait')} in ${name} for up to ${durationOfSeconds(longestQueue.longestWaitSeconds)}: ${because}`,
      figure: { value: waiting, unit: 'clients waiting' },
      evidence: [...queued.slice(0, 5).map(describePool), ...whoWaits(pooler, evidence)],
      fix,
    },
  ];
}

function describePool(pool: PoolerPool): string {
  const { database, user, mode, clientsWaiting, servers, size, reserve, fullBy } = pool;
  const most = size === null ? 'no pool_size' : `pool_size ${size}, reserve ${reserve}`;
  const limit = fullBy === null ? 'no limit reached' : `limited by ${fullBy}`;
  return cleanUntrusted(
    `Pool ${database}/${user} (${mode}): ${clientsWaiting} wait, ${count(servers, 'server connection')}, ${most}, ${limit}.`,
    300,
  );
}

function whoWaits({ reading }: KnownPooler, { findService }: Evidence): string[] {
  const waiting = (reading.clientSources ?? []).filter((source) => source.waiting > 0);
  const names = Map.groupBy(
    waiting,
    ({ client, application }) => (findService(client, application) ?? application) || 'unnamed',
  );
  const sentences = [...names].map(
    ([name, sources]) => `${name} ${sum(sources.map((one) => one.waiting))}`,
  );
  return sentences.length === 0 ? [] : [cleanUntrusted(`Who waits: ${list(sentences)}.`, 300)];
}

/** New clients are refused at the limit; until then nobody notices. */
function nearLimit({ name, reading }: KnownPooler, { target }: Evidence): Finding[] {
  const { clients, maxClientConnections, clientLimits } = reading;
  const limits = [
    { kind: 'pooler' as const, name: '', limit: maxClientConnections, used: clients },
    ...clientLimits,
  ];
  return limits
    .filter(({ limit, used }) => limit > 0 && used / limit >= target.limits.warningUtilisation)
    .map(({ kind, name: whose, limit, used }) => ({
      id: 'pooler-clients-near-limit',
      severity: used >= limit ? 'critical' : 'warning',
      summary: `${name} has ${used} of the ${limit} clients it allows${kind === 'pooler' ? '' : ` one ${kind}`}; more are refused.`,
      figure: { value: used, unit: 'clients', limit },
      evidence: kind === 'pooler' ? [] : [cleanUntrusted(`The ${kind} is ${whose}.`, 200)],
      fix: `See who opens so many connections to it, then raise ${settingOf[kind]}.`,
    }));
}

const settingOf = {
  pooler: 'max_client_conn',
  database: 'max_db_client_connections',
  user: 'max_user_client_connections',
};

/** Poolers are there to keep within the server; these hold most of it and may open more than all of it. */
function tooMany({ budget, capacity, target }: Evidence): Finding[] {
  const { poolers = [], usable } = budget;
  if (capacity === null || usable === null) return [];
  const mayOpen = sum(poolers.map((one) => (one.mayOpen === 'unlimited' ? Infinity : one.mayOpen)));
  const holds = sum(poolers.map((one) => one.holds));
  const isShort = pressureOf(capacity, target.limits) !== 'none';
  if (!isShort || mayOpen <= usable || holds < capacity.used / 2) return [];
  const all = Number.isFinite(mayOpen) ? String(mayOpen) : 'any number of connections';
  const many = sum(poolers.map(({ replicas }) => replicas));
  return [
    {
      id: 'pooler-budget',
      severity: 'warning',
      summary: `${count(many, 'PgBouncer')} may open ${all} of ${usable} usable connections, and ${many === 1 ? 'holds' : 'hold'} ${holds} now.`,
      figure: { value: holds, unit: 'connections', limit: usable },
      evidence: poolers.map(
        (one) => `${one.name}: ${count(one.replicas, 'replica')}, together ${one.mayOpen}.`,
      ),
      fix: `Set max_db_connections of each PgBouncer so that all of them together stay below ${usable}. A restart of PostgreSQL or of a service does not help.`,
    },
  ];
}

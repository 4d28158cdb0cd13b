import { toDurationText } from '../../timing.ts';
import type { TargetCheck } from '../diagnose/evidence.ts';
import { fitTogether } from '../diagnose/pool-sizes.ts';
import { queuedPools } from '../diagnose/poolers.ts';
import { toTimeoutText } from '../remedies/prevention/plan.ts';
import type { PoolerReading } from '../snapshot/readings.ts';
import type { Part, PoolerSnapshot } from '../snapshot/snapshot.ts';
import { count, durationOfSeconds, sum } from '../snapshot/words.ts';
import { mayAct, toAdviceInput } from './advice/advice-input.ts';
import type { AdviceInput } from './advice/advice-input.ts';
import {
  adviseMaxConnections,
  advisePooler,
  advisePools,
  checkServiceSettings,
  nameSizes,
  numberOrEndless,
} from './advice/pools.ts';
import {
  adviseSessionTimeout,
  readTimeout,
  recommendedSessionTimeoutMs,
  recommendedTransactionTimeoutMs,
  timeoutText,
} from './advice/timeouts.ts';
import type { Prevention, PreventionCheck } from './report.ts';

/** PgBouncer: what its consoles show where there are some, and whether one is needed where there is none. */
function checkPoolers(
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
    better: problem?.fix ?? 'Check pgbouncer of the target in dbconn.yml.',
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
      ? `All services can fit into ${usable} usable connections without a pooler.`
      : 'Some pool sizes are unknown, so dbconn cannot tell.',
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
      ? `${version} assigns a connection per transaction.`
      : 'In session mode each client keeps its connection until it disconnects: that saves logins, not slots. Transaction mode allows no session state, such as SET, LISTEN and advisory locks.',
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
      ? `${clients} of ${count(maxClientConnections, 'allowed client')} are connected; none waits for long.`
      : `The longest wait is ${durationOfSeconds(longestWaitSeconds)}: PostgreSQL appears idle while the pooler is full. Find what holds its server connections, then check default_pool_size.`,
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
      because: `${count(replicas, 'PgBouncer')} together may open ${Number.isFinite(all) ? count(all, 'connection') : 'any number'}; ${usable} are usable.`,
    },
  ];
}

type Line = AdviceInput['budget']['lines'][number];

/** Whether the pools of all services together fit into the server, a line for each service. */
function checkPools(input: AdviceInput): PreventionCheck[] {
  const { budget } = input;
  const advised = advisePools(input);
  const fits = fitTogether(budget);
  return budget.lines.map((line): PreventionCheck => {
    const setting = nameSizes(input, line.service);
    const advice = advised.find((one) => one.setting === setting);
    if (advice !== undefined) return { part: 'application', state: 'advice', ...advice };
    const now = nowOf(line);
    const base = { part: 'application', setting, now, better: '5 + 10' } as const;
    if (line.mayOpen === null || fits === null) {
      return { ...base, state: 'unknown', because: whyUnknown(line) };
    }
    if (fits === 'too-many') {
      const because = 'No pool size lets so many processes fit: see PgBouncer below.';
      return { ...base, state: 'advice', better: '1 + 0', because };
    }
    const together = `It may open ${numberOrEndless(line.mayOpen)}`;
    const because = `${together}, and all services together fit into ${budget.usable ?? '?'} usable connections.`;
    return { ...base, state: 'ok', better: now ?? base.better, because };
  });
}

function nowOf({ poolSize, maxOverflow }: Line): string | null {
  return poolSize === null || maxOverflow === null ? null : `${poolSize} + ${maxOverflow}`;
}

function whyUnknown({ service, mayOpen }: Line): string {
  return mayOpen === null
    ? `Neither its containers nor its metrics show its size: set poolSize and maxOverflow of ${service} in dbconn.yml.`
    : 'The usable connections of PostgreSQL could not be read.';
}

/** PostgreSQL's own settings against the runbook's, and the slots kept for the night when all others are taken. */
function checkServer(input: AdviceInput): PreventionCheck[] {
  if (input.version === null) return [unreached];
  return [
    checkTransactionTimeout(input),
    ...checkSessionTimeout(input),
    ...checkReserved(input),
    ...adviseMaxConnections(input).map(toCheck),
  ];
}

const unreached: PreventionCheck = {
  part: 'postgresql',
  state: 'unknown',
  setting: 'PostgreSQL’s settings',
  now: null,
  better: 'Run /dbconn doctor.',
  because: 'PostgreSQL could not be read.',
};

function toCheck(advice: Omit<PreventionCheck, 'part' | 'state'>): PreventionCheck {
  return { part: 'postgresql', state: 'advice', ...advice };
}

function checkTransactionTimeout(input: AdviceInput): PreventionCheck {
  const setting = 'idle_in_transaction_session_timeout';
  const ms = readTimeout(input, setting);
  const better = toTimeoutText(recommendedTransactionTimeoutMs);
  const base = { part: 'postgresql', setting, now: timeoutText(ms), better } as const;
  if (typeof ms !== 'number') return { ...base, state: 'unknown', because: whyUnreadable(ms) };
  if (ms > 0 && ms <= recommendedTransactionTimeoutMs) {
    const because = 'PostgreSQL ends forgotten transactions by itself.';
    return { ...base, better: toTimeoutText(ms), state: 'ok', because };
  }
  const because =
    ms === 0
      ? 'A forgotten transaction holds its slot and its locks until somebody ends it.'
      : 'A forgotten transaction holds its slot and its locks for longer than recommended.';
  const duration = toDurationText(recommendedTransactionTimeoutMs);
  const command = `propose prevention idle-in-transaction ${duration}`;
  return { ...base, state: 'advice', because, ...(mayAct(input) && { command }) };
}

function whyUnreadable(value: 'unseen' | null): string {
  return value === null
    ? 'The check did not read it.'
    : 'dbconn’s role has its own value, so the value for other roles is not visible.';
}

/** For everybody it is a hazard: pools and poolers keep sessions idle on purpose. */
function checkSessionTimeout(input: AdviceInput): PreventionCheck[] {
  const setting = 'idle_session_timeout';
  const ms = readTimeout(input, setting);
  const better = `${toTimeoutText(recommendedSessionTimeoutMs)} for roles of people, off for applications`;
  const base = { part: 'postgresql', setting, now: timeoutText(ms), better } as const;
  if ((input.version ?? 0) < 140_000) {
    const because = 'This PostgreSQL version has no such setting; use DATABASE_POOL_RECYCLE.';
    return [{ ...base, state: 'ok', now: null, because }];
  }
  if (typeof ms !== 'number') return [{ ...base, state: 'unknown', because: whyUnreadable(ms) }];
  if (ms > 0) {
    const because =
      'It applies to all roles and ends idle sessions of pools and poolers. Their next request may fail.';
    const command = 'propose prevention idle-session off';
    return [{ ...base, state: 'advice', because, ...(mayAct(input) && { command }) }];
  }
  const advised = adviseSessionTimeout(input).map(toCheck);
  if (advised.length > 0) return advised;
  const because =
    'It is off for all roles, as pools need, and no personal role leaves sessions idle.';
  return [{ ...base, state: 'ok', because }];
}

/** PostgreSQL 16+: who is let in when ordinary slots are gone. */
function checkReserved({ settings, version }: AdviceInput): PreventionCheck[] {
  const found = settings.find(({ name }) => name === 'reserved_connections');
  if (found === undefined || (version ?? 0) < 160_000) return [];
  const isSet = Number(found.value) > 0;
  return [
    {
      part: 'postgresql',
      state: isSet ? 'ok' : 'advice',
      setting: 'reserved_connections',
      now: found.value,
      better: isSet ? found.value : '2',
      because: isSet
        ? 'Roles with pg_use_reserved_connections can connect when all other slots are taken.'
        : 'When every slot is taken, only a superuser can connect. A change needs a restart of PostgreSQL.',
    },
  ];
}

/**
 * The runbook's Prevention section against reality: every setting it recommends, what is known of it, and what to
 * type to change it. Pure: the same check gives the same answer.
 */
export function readPrevention(
  check: Pick<TargetCheck, 'target' | 'snapshot' | 'diagnosis'>,
): Prevention {
  const input = toAdviceInput(check.target, check);
  return {
    target: check.target.name,
    lookedAt: check.snapshot.takenAt,
    checks: [
      ...checkPools(input),
      ...checkServiceSettings(input),
      ...checkServer(input),
      ...checkPoolers(input, check.snapshot.poolers),
    ],
    poolers: check.diagnosis.poolers ?? [],
  };
}

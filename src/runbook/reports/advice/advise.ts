import type { ApprovalRequest } from '../../approvals/request.ts';
import type { Trouble } from '../../diagnose/diagnosis-parts.ts';
import type { CauseName } from '../../diagnose/diagnosis.ts';
import type { Incident } from '../../incidents/incident.ts';
import type { Limits, Target } from '../../snapshot/target.ts';
import { durationOfSeconds, percent } from '../../snapshot/words.ts';
import type { Advice, IncidentReport, PreventionCheck } from '../report.ts';
import { toAdviceInput } from './advice-input.ts';
import type { KeptCheck } from './advice-input.ts';
import { adviseMaxConnections, advisePooler, advisePools, checkServiceSettings } from './pools.ts';
import { adviseSessionTimeout, adviseTransactionTimeout, readIdleSpans } from './timeouts.ts';

/** What prevents the next incident of a kind, where no figure of this one says more. */
const byCause: Readonly<Record<CauseName | Trouble, Advice>> = {
  'connection-leak': {
    setting: 'the code that takes connections',
    now: null,
    better: 'return each connection with a context manager (with), also after an exception',
    because: 'A connection that the code does not return is lost to its pool.',
  },
  'slow-queries': {
    setting: "statement_timeout of the application's role",
    now: null,
    better: 'a little above the slowest acceptable query',
    because: 'Without a limit, a query holds its connection after its request has timed out.',
  },
  'uncommitted-transactions': {
    setting: 'idle_in_transaction_session_timeout',
    now: null,
    better: '10min, and a commit or rollback on every path of the code',
    because: 'A transaction that is left open keeps its connection and its locks.',
  },
  'application-scaling': {
    setting: 'PgBouncer',
    now: null,
    better: 'between the applications and PostgreSQL, in transaction mode',
    because: 'Each new process adds its own pool; PostgreSQL has no slots left for it.',
  },
  'pool-misconfiguration': {
    setting: 'the size of the pools',
    now: null,
    better: 'all pools together below the usable connections, each above what its requests need',
    because:
      'A pool that is too large takes slots from others; a pool that is too small makes requests wait.',
  },
  'lock-contention': {
    setting: 'lock_timeout of migrations and jobs',
    now: null,
    better: '5s, with a retry',
    because: 'A statement that waits for an exclusive lock makes all later statements wait too.',
  },
  'replication-wait': {
    setting: 'synchronous_standby_names',
    now: null,
    better: 'ANY 1 of two or more standbys, and an alert on replication',
    because: 'With only one synchronous standby, every commit waits when it fails.',
  },
  storage: {
    setting: 'monitoring of the storage',
    now: null,
    better: 'an alert on its latency and throughput',
    because: 'Slow reads and writes make queries hold connections longer.',
  },
  cpu: {
    setting: 'the number of active connections',
    now: null,
    better: 'a pooler that allows two to four active connections per core',
    because: 'More active sessions than the cores can serve make each of them slower.',
  },
  'internal-locks': {
    setting: 'the number of active connections',
    now: null,
    better: 'a pooler that allows two to four active connections per core',
    because: "Many active sessions compete for PostgreSQL's internal locks.",
  },
  'client-wait': {
    setting: 'client_connection_check_interval and tcp_user_timeout',
    now: null,
    better: '10s and 30s',
    because: 'PostgreSQL waits for a lost client until a write or a check fails.',
  },
  'pooler-queue': {
    setting: 'default_pool_size of PgBouncer',
    now: null,
    better: 'what its clients need, within the usable connections, with an alert on maxwait',
    because: 'Clients queue in the pooler while PostgreSQL has room.',
  },
  'pooler-budget': {
    setting: 'max_db_connections of each PgBouncer',
    now: null,
    better: 'the total of all replicas below the usable connections',
    because: 'A pooler opens every connection it may as soon as its clients queue.',
  },
  'connection-churn': {
    setting: 'a pool in the application, or PgBouncer',
    now: null,
    better: 'connections that are reused',
    because: 'A login costs the server a process and more time than most queries.',
  },
  'abandoned-clients': {
    setting: 'tcp_keepalives_idle',
    now: null,
    better: '60s, with tcp_keepalives_interval 10s and tcp_keepalives_count 3',
    because: 'Without keepalives, PostgreSQL keeps the sessions of lost clients for hours.',
  },
  strangers: {
    setting: 'CONNECTION LIMIT of their roles',
    now: null,
    better: 'one role for each kind of client, with a limit that leaves room for the services',
    because: 'Unknown clients take slots that the services need.',
  },
  maintenance: {
    setting: 'lock_timeout of maintenance',
    now: null,
    better: '5s with a retry, CONCURRENTLY where it exists, and a time of low load',
    because: 'A rewrite or an index build holds a lock that queries wait for until it ends.',
  },
};

/** For a cause of the runbook or a trouble outside of it; none where its setting was advised with figures already. */
export function adviseByCause(
  cause: CauseName | Trouble | null,
  advised: readonly Advice[],
): Advice[] {
  if (cause === null) return [];
  const advice = byCause[cause];
  return advised.some(({ setting }) => setting === advice.setting) ? [] : [advice];
}

/** The contact who is called needs about this long to be at the keyboard. */
const noticeNeededMs = 5 * 60_000;
const candidates = [0.8, 0.7, 0.6];

/**
 * A warning line that would have given more notice. Only where the checks before the opening show when that line was
 * passed for good; the highest line that gives five minutes is advised.
 */
function adviseThresholds(
  graph: IncidentReport['graph'],
  openedAt: string,
  limits: Limits,
): Advice[] {
  const opened = Date.parse(openedAt);
  const full = graph.find(({ used, usable }) => used >= usable * limits.criticalUtilisation);
  if (full === undefined) return [];
  const critical = Date.parse(full.at);
  const noticeMs =
    critical - Math.min(opened, passedAt(graph, limits.warningUtilisation) ?? opened);
  if (noticeMs >= noticeNeededMs) return [];
  const better = candidates
    .filter((share) => share < limits.warningUtilisation)
    .map((share) => ({ share, passed: passedAt(graph, share) }))
    .find(({ passed }) => passed !== undefined && critical - passed >= noticeNeededMs);
  if (better?.passed === undefined) return [];
  const earlier = durationOfSeconds((critical - better.passed) / 1000);
  return [
    {
      setting: 'limits.warningUtilisation and the alert’s threshold',
      now: percent(limits.warningUtilisation),
      better: percent(better.share),
      because: `${percent(better.share)} was passed ${earlier} before the incident was critical, but ${percent(limits.warningUtilisation)} only ${durationOfSeconds(Math.max(0, noticeMs) / 1000)} before.`,
    },
  ];
}

/** When used slots rose over that share and stayed over it until the fullest check; undefined where that was before the first check. */
function passedAt(graph: IncidentReport['graph'], share: number): number | undefined {
  const most = Math.max(...graph.map(({ used }) => used));
  const upTo = graph.slice(0, graph.findIndex(({ used }) => used === most) + 1);
  const below = upTo.findLastIndex(({ used, usable }) => used < usable * share);
  const next = upTo[below + 1];
  return below === -1 || next === undefined ? undefined : Date.parse(next.at);
}

interface AdviceEvidence {
  readonly incident: Incident;
  readonly requests: readonly ApprovalRequest[];
  readonly target: Target;
  readonly checks: readonly KeptCheck[];
  readonly graph: IncidentReport['graph'];
  /** What the incident is put down to. */
  readonly cause: CauseName | Trouble | null;
}

/** What would have prevented an incident, from its own figures where they say it; the surest advice first. */
export function adviseAfter(evidence: AdviceEvidence): Advice[] {
  const computed = fromFigures(evidence);
  return [...computed, ...adviseByCause(evidence.cause, computed)];
}

function fromFigures(evidence: AdviceEvidence): Advice[] {
  const { incident, requests, target, checks, graph } = evidence;
  const thresholds = adviseThresholds(graph, incident.openedAt, target.limits);
  const peakCheck = findPeakCheck(checks);
  if (peakCheck === undefined) return thresholds;
  const input = toAdviceInput(target, peakCheck);
  const { limits } = target;
  const idleSpans = readIdleSpans(checks, requests, { limits, byMs: shortAt(evidence) });
  return [
    ...adviseTransactionTimeout(input, idleSpans, neededSlots(evidence)),
    ...adviseSessionTimeout(input),
    ...advisePools(input),
    ...advisePooler(input),
    ...adviseMaxConnections(input),
    ...checkServiceSettings(input).filter(isAdvice).map(toAdvice),
    ...thresholds,
  ];
}

/** The fullest check that was kept whole. */
function findPeakCheck(checks: readonly KeptCheck[]): KeptCheck | undefined {
  return checks.toSorted(
    (a, b) => (b.diagnosis.capacity?.used ?? -1) - (a.diagnosis.capacity?.used ?? -1),
  )[0];
}

/** When slots ran short: the first figure over the critical line, or else the opening. */
function shortAt({ graph, incident, target }: AdviceEvidence): number {
  const { criticalUtilisation } = target.limits;
  const short = graph.find(({ used, usable }) => used >= usable * criticalUtilisation);
  return Date.parse(short?.at ?? incident.openedAt);
}

/** How many slots fewer would have kept it below the warning line. */
function neededSlots({ incident: { peak }, target }: AdviceEvidence): number {
  if (peak === null) return 1;
  return Math.max(1, Math.ceil(peak.used - peak.usable * target.limits.warningUtilisation));
}

function isAdvice({ state }: PreventionCheck): boolean {
  return state === 'advice';
}

function toAdvice({ setting, now, better, because, command }: PreventionCheck): Advice {
  return { setting, now, better, because, ...(command !== undefined && { command }) };
}

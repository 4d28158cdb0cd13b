import { capital, count, sum } from '../snapshot/words.ts';
import { isTrouble, troubles } from './diagnosis-parts.ts';
import type { Cause, CauseName, Diagnosis, Finding } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { findInReach, isVisible } from './findings/reach.ts';
import { queuedPools } from './poolers.ts';

type State = Diagnosis['state'];

/**
 * The state in words and figures: `94 of 97 usable connections, full in about 4 minutes.` Where it is critical for
 * another reason than the slots, that reason. No database text.
 */
export function writeHeadline(evidence: Evidence, findings: readonly Finding[]): string {
  const queued = evidence.poolers.filter(({ reading }) => queuedPools(reading).length > 0);
  const [first] = queued;
  const others = findings.filter(({ id }) => id !== 'pooler-queue');
  const server = writeServer(evidence, others);
  if (first === undefined) return server;
  const waiting = sum(queued.map(({ reading }) => reading.clientsWaiting));
  const where = queued.length > 1 ? count(queued.length, 'pooler') : first.name;
  return `${count(waiting, 'client waits', 'clients wait')} in ${where}; ${server}`;
}

function writeServer(evidence: Evidence, findings: readonly Finding[]): string {
  const { capacity, forecast, reading, snapshot } = evidence;
  if (capacity === null || reading === undefined) return withoutReading(snapshot);
  const isComplete = isVisible(reading);
  const taken = `${isComplete ? '' : 'At least '}${capacity.used} of ${capacity.usable} usable connections`;
  const critical = findings.filter(({ severity }) => severity === 'critical');
  if (!isComplete && critical.length === 0) return `${taken}; dbconn cannot see all sessions.`;
  const { minutesUntilFull } = forecast;
  if (capacity.free === 0) return `${taken}: full.`;
  if (snapshot.database.reach.error?.kind === 'full') return `${taken}, and new ones are refused.`;
  const [reason] = critical;
  if (reason !== undefined && !critical.some(({ id }) => id === 'capacity-critical')) {
    const { id, summary } = reason;
    return isTrouble(id) ? `${capital(troubles[id])}; ${taken}.` : `${taken}. ${summary}`;
  }
  return minutesUntilFull === null || minutesUntilFull > 60
    ? `${taken}.`
    : `${taken}, full in about ${count(Math.max(1, Math.round(minutesUntilFull)), 'minute')}.`;
}

function withoutReading({ database, services }: Evidence['snapshot']): string {
  const { error } = database.reach;
  const clients = services.ok ? services.value.postgresProcesses?.clients : undefined;
  const processTitles =
    clients === undefined ? '' : `; its process titles show ${count(clients, 'client')}`;
  switch (error?.kind) {
    case 'full':
      return `${refused[error.scope ?? 'server']}${processTitles}.`;
    case 'frozen':
      return `PostgreSQL hangs: it does not answer${processTitles}.`;
    case 'slow':
      return `${slow[error.detail ?? ''] ?? 'PostgreSQL is too slow to be checked'}${processTitles}.`;
    case 'stopped':
      return stopped[error.detail ?? ''] ?? 'PostgreSQL is not running.';
    case 'server-error':
      return `PostgreSQL answered the check with SQLSTATE ${error.sqlstate ?? 'unknown'}${processTitles}.`;
    case 'auth':
      return `PostgreSQL refuses dbconn's login${processTitles}.`;
    case 'privilege':
      return "dbconn's role lacks the privilege to check PostgreSQL.";
    case 'network':
    default:
      return `PostgreSQL cannot be reached${processTitles}.`;
  }
}

const slow: Readonly<Record<string, string>> = {
  login: 'PostgreSQL is slow: it accepts connections, but a login takes seconds',
  catalog: 'PostgreSQL has a locked system catalog, and new logins wait',
};

const stopped: Readonly<Record<string, string>> = {
  starting: 'PostgreSQL is starting up and accepts no connections yet.',
  'shutting-down': 'PostgreSQL is shutting down.',
  'not-accepting':
    'PostgreSQL accepts no connections: it is starting up, recovering or shutting down.',
};

const refused = {
  server: 'PostgreSQL is full and refuses new connections',
  role: "dbconn's own role has reached its connection limit",
  database: 'The database has reached its connection limit',
  pooler: 'The pooler in front of PostgreSQL is full',
};

const titles: Record<CauseName, string> = {
  'connection-leak': 'connection leak',
  'slow-queries': 'slow queries',
  'uncommitted-transactions': 'uncommitted transactions',
  'application-scaling': 'application scaling',
  'pool-misconfiguration': 'pool misconfiguration',
  'lock-contention': 'lock contention',
};

/** From here on a cause is named as likely rather than possible. */
const likely = 0.6;

interface Judgement {
  readonly state: State;
  readonly causes: readonly Cause[];
  readonly findings: readonly Finding[];
}

/** The likeliest cause in a sentence or two, or that none fits. No database text. */
export function writeVerdict(judgement: Judgement, evidence: Evidence): string {
  const [first, ...others] = judgement.causes;
  // What is only possible does not stand before what was seen.
  const trouble = judgement.findings.find(({ id }) => isTrouble(id));
  if (first === undefined || (first.confidence < likely && trouble !== undefined)) {
    return withoutCause(judgement, evidence);
  }
  const also = others.filter(({ confidence }) => confidence >= likely);
  const more =
    also.length === 0 ? '' : ` Also likely: ${also.map(({ cause }) => titles[cause]).join(', ')}.`;
  const word = first.confidence >= likely ? 'Likely' : 'Possible';
  return `${word} cause: ${titles[first.cause]}. ${first.summary}${more}`;
}

/** What was checked where no cause was found. No database text. */
export function describeNoCause({
  capacity,
  state,
}: Pick<Diagnosis, 'capacity' | 'state'>): string {
  if (capacity === null) return 'PostgreSQL could not be read, so no cause was checked.';
  const checked = 'dbconn checked the six known causes; none fits';
  return state === 'fine' ? `${checked}.` : `${checked}. Try /dbconn sessions or /dbconn logs.`;
}

function withoutCause({ state, findings }: Judgement, evidence: Evidence): string {
  const { reading, capacity, sources } = evidence;
  const [gravest] = findings;
  if (state === 'fine') return 'Nothing is wrong.';
  // Where nothing could be looked at, nothing speaks for or against a cause; why that is, the headline says.
  if (reading === undefined && gravest !== undefined) {
    const isKnown = findInReach(evidence).some(({ id }) => id === gravest.id);
    return isKnown ? describeNoCause({ capacity: null, state }) : gravest.summary;
  }
  if (state === 'unknown') return `The state is unknown. ${gravest?.summary ?? ''}`.trim();
  for (const { id, summary } of findings) {
    if (isTrouble(id)) return `Likely cause: ${troubles[id]}. ${summary}`;
  }
  if (
    findings.some(({ id, severity }) => id === 'activity-not-tracked' && severity === 'warning')
  ) {
    return 'The cause is unknown: too many sessions do not report their activity.';
  }
  const half = findings.find(({ id }) => id === 'no-pg-monitor');
  if (half !== undefined) return `The cause is unknown. ${half.summary}`;
  if (capacity !== null && findings.some(({ id }) => id.startsWith('capacity-'))) {
    const own = sources.filter(({ kind }) => kind === 'own');
    const idle = capacity.byState.idle - sum(own.map((source) => source.idle));
    const used = capacity.used - sum(own.map(({ total }) => total));
    return idle >= used / 2
      ? `No known cause: ${idle} of ${used} connections are idle, but nothing shows a leak.`
      : 'No known cause: the connections appear to be in use.';
  }
  return `No known cause. ${gravest?.summary ?? ''}`.trim();
}

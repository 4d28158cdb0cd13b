import type { Cause, CauseName, Diagnosis, Finding } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { isVisible } from './findings/reach.ts';
import { count } from './words.ts';

type State = Diagnosis['state'];

/** The state in words and figures: `94 of 97 usable connections, full in about 4 minutes.` No database text. */
export function writeHeadline({ capacity, forecast, reading, snapshot }: Evidence): string {
  if (capacity === null || reading === undefined) return withoutLook(snapshot);
  const taken = `${capacity.used} of ${capacity.usable} usable connections`;
  if (!isVisible(reading)) return `At least ${taken}; not enough privilege to judge.`;
  const { minutesUntilFull } = forecast;
  if (capacity.free === 0) return `${taken}: full.`;
  if (snapshot.database.reach.error?.kind === 'full') return `${taken}, and new ones are refused.`;
  return minutesUntilFull === null || minutesUntilFull > 60
    ? `${taken}.`
    : `${taken}, full in about ${count(Math.max(1, Math.round(minutesUntilFull)), 'minute')}.`;
}

function withoutLook({ database, services }: Evidence['snapshot']): string {
  const { error } = database.reach;
  const clients = services.ok ? services.value.postgresProcesses?.clients : undefined;
  const seen = clients === undefined ? '' : `; its process titles show ${count(clients, 'client')}`;
  switch (error?.kind) {
    case 'full':
      return `${refused[error.scope ?? 'server']}${seen}.`;
    case 'frozen':
      return `PostgreSQL hangs: it does not answer${seen}.`;
    case 'stopped':
      return error.detail === 'starting'
        ? 'PostgreSQL is starting up and accepts no connections yet.'
        : 'PostgreSQL is not running.';
    case 'auth':
      return `PostgreSQL refuses the login of dbconn${seen}.`;
    case 'privilege':
      return 'The role of dbconn may not look at PostgreSQL.';
    case 'network':
    default:
      return `PostgreSQL cannot be reached${seen}.`;
  }
}

const refused = {
  server: 'PostgreSQL is full and refuses new connections',
  role: "dbconn's own role has reached its connection limit",
  database: 'The database has reached its connection limit',
  pooler: 'The pooler in front of PostgreSQL is full',
};

const titles: Record<CauseName, string> = {
  'connection-leak': 'a connection leak',
  'slow-queries': 'slow queries',
  'uncommitted-transactions': 'uncommitted transactions',
  'application-scaling': 'application scaling',
  'pool-misconfiguration': 'a misconfigured pool',
  'lock-contention': 'lock contention',
};

/** From here on a cause is named as likely rather than possible. */
const likely = 0.6;

/** The likeliest cause in a sentence or two, or that none fits. No database text. */
export function writeVerdict(
  state: State,
  causes: readonly Cause[],
  findings: readonly Finding[],
): string {
  const [first, ...others] = causes;
  if (first === undefined) return withoutCause(state, findings);
  const also = others.filter(({ confidence }) => confidence >= likely);
  const more =
    also.length === 0 ? '' : ` Also likely: ${also.map(({ cause }) => titles[cause]).join(', ')}.`;
  const word = first.confidence >= likely ? 'Likely' : 'Possibly';
  return `${word} ${titles[first.cause]}: ${first.summary}${more}`;
}

function withoutCause(state: State, findings: readonly Finding[]): string {
  const [worst] = findings;
  if (state === 'fine') return 'Nothing is wrong.';
  if (state === 'unknown') return `It cannot be judged. ${worst?.summary ?? ''}`.trim();
  const capacity = findings.some(({ id }) => id.startsWith('capacity-'));
  if (capacity) return 'None of the six causes fits: the connections there are seem to be at work.';
  return `None of the six causes fits. ${worst?.summary ?? ''}`.trim();
}

import { count, durationOfSeconds, list, quoteIdentifier, sum } from '../../snapshot/words.ts';
import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import type { Abandoned } from '../leaks.ts';
import { describeStrangers } from '../sources.ts';
import { pressureOf } from '../summarise.ts';
import { describeSession, mostExamples } from './sessions.ts';

/** Sessions of clients that are gone. While slots are left they are worth knowing, and no alarm. */
export function findAbandonedIn(evidence: Evidence): Finding[] {
  const { abandoned, capacity, target } = evidence;
  if (abandoned === null) return [];
  const { sessions, holds, oldestSeconds } = abandoned;
  return [
    {
      id: 'abandoned-clients',
      severity: pressureOf(capacity, target.limits) === 'none' ? 'info' : 'warning',
      summary: describe(abandoned),
      figure: { value: sessions, unit: 'connections', limit: holds },
      evidence: [
        `The oldest has been idle for ${durationOfSeconds(oldestSeconds)}.`,
        ...keepalive(evidence),
        ...examplesOf(abandoned, evidence),
      ],
      fix: 'End them with pg_terminate_backend. Do not raise max_connections or restart the service: its pools do not know these connections. To prevent this, set tcp_keepalives_idle = 60, tcp_keepalives_interval = 10 and tcp_keepalives_count = 3. For active sessions, set tcp_user_timeout and client_connection_check_interval. Set idle_session_timeout only for roles without a pool.',
    },
  ];
}

function describe({ service, sessions, holds, gone, counted }: Abandoned): string {
  const name = service ?? 'one application';
  const these = `${sessions} of ${count(holds, 'connection')} of ${name}`;
  if (gone === sessions) return `${these} are idle; no running container has their addresses.`;
  if (counted !== null) return `${these} are idle, but its pools know only ${counted}.`;
  return `${these} went idle one after another and were replaced by new ones.`;
}

/** The value as dbconn's own session has it: of the system, where 0 is configured. */
function keepalive({ reading }: Evidence): string[] {
  const setting = reading?.settings.find(({ name }) => name === 'tcp_keepalives_idle');
  const seconds = Number(setting?.value ?? 0);
  return seconds > 0
    ? [
        `tcp_keepalives_idle is ${durationOfSeconds(seconds)}: before that, PostgreSQL does not check its clients.`,
      ]
    : [];
}

function examplesOf({ service }: Abandoned, { reading, target, findService }: Evidence): string[] {
  return (reading?.sessions ?? [])
    .filter(
      ({ state, own, stateAgeSeconds, client, application }) =>
        state === 'idle' &&
        !own &&
        (stateAgeSeconds ?? 0) * 1_000 >= target.limits.terminateIdleMs &&
        findService(client, application) === service,
    )
    .toSorted((a, b) => (b.stateAgeSeconds ?? 0) - (a.stateAgeSeconds ?? 0))
    .slice(0, mostExamples)
    .map(describeSession);
}

const mostNamed = 5;

/** Who holds the slots and is no configured service, when that is most of them and slots are short. */
export function findStrangersIn({ strangers, capacity, target }: Evidence): Finding[] {
  if (strangers === null || capacity === null) return [];
  if (pressureOf(capacity, target.limits) === 'none') return [];
  const { holds, sources, victims, limit } = strangers;
  const groups = Map.groupBy(sources, ({ user, application }) =>
    [`role ${quoteIdentifier(user ?? '')}`, application === '' ? 'no name' : application].join(
      ', ',
    ),
  );
  const named = [...groups]
    .map(([who, held]) => ({ who, held: sum(held.map(({ total }) => total)) }))
    .toSorted((a, b) => b.held - a.held);
  return [
    {
      id: 'strangers',
      severity: 'warning',
      summary: `${describeStrangers(strangers, capacity.used)} ${squeezed(victims)}`.trim(),
      figure: { value: holds, unit: 'connections', limit: capacity.usable },
      evidence: named.slice(0, mostNamed).map(({ who, held }) => `${who}: ${held}.`),
      fix:
        limit === undefined
          ? 'Give them their own role, not a superuser, with a CONNECTION LIMIT. If they are a service, add it under services. Do not shrink other pools for them.'
          : `ALTER ROLE ${quoteIdentifier(limit.role)} CONNECTION LIMIT ${limit.to}; existing sessions stay until they end. If they are a service, add it under services.`,
    },
  ];
}

function squeezed(victims: readonly string[]): string {
  const named = victims.slice(0, 3);
  return named.length === 0
    ? ''
    : `${list(named)} ${named.length === 1 ? 'gets' : 'get'} too few connections.`;
}

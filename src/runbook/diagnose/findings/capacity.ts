import { count, list, percent, quoteIdentifier, sum } from '../../snapshot/words.ts';
import type { Capacity, Finding, Source } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { pressureOf } from '../summarise.ts';
import { isVisible } from './reach.ts';

/** The runbook's step 1, and what fills the slots unseen. */
export function findInCapacity(evidence: Evidence): Finding[] {
  const { reading } = evidence;
  // What is seen is a lower bound, and enough where that is too much already.
  if (reading !== undefined && !isVisible(reading)) return fullness(evidence);
  return [
    ...fullness(evidence),
    ...halfOpen(evidence),
    ...superusers(evidence),
    ...limits(evidence),
    ...apart(evidence),
  ];
}

function fullness({ capacity, reading, target }: Evidence): Finding[] {
  const pressure = pressureOf(capacity, target.limits);
  if (capacity === null || pressure === 'none') return [];
  const { warningUtilisation, criticalUtilisation } = target.limits;
  const isLeast = reading !== undefined && !isVisible(reading);
  return [
    {
      id: `capacity-${pressure}`,
      severity: pressure,
      summary: `${isLeast ? 'At least ' : ''}${capacity.used} of ${count(capacity.usable, 'usable connection')} are taken (${percent(capacity.utilisation)}), ${isLeast ? 'at most ' : ''}${capacity.free} free.`,
      figure: {
        value: capacity.utilisation,
        unit: 'share of the usable slots',
        limit: pressure === 'critical' ? criticalUtilisation : warningUtilisation,
      },
      evidence: [describeSlots(capacity)],
    },
  ];
}

function describeSlots({ maxConnections, reserved, byState }: Capacity): string {
  const aborted = byState.idleInTransactionAborted;
  return `max_connections ${maxConnections}, ${reserved} of them reserved; ${byState.active} active, ${byState.idle} idle, ${byState.idleInTransaction} idle in transaction, ${aborted} aborted in transaction.`;
}

/**
 * A client that opens a connection and does not finish logging in holds its slot for authentication_timeout.
 * Before PostgreSQL 18 no view shows it: the server refuses while it looks half empty.
 */
function halfOpen({ capacity, snapshot, target }: Evidence): Finding[] {
  if (capacity === null) return [];
  const { error } = snapshot.database.reach;
  const refused = error?.kind === 'full' && (error.scope ?? 'server') === 'server';
  const unaccounted = refused ? capacity.free : 0;
  const held = Math.max(capacity.unauthenticated ?? 0, unaccounted);
  const many = held >= Math.max(3, capacity.usable * 0.05);
  if (
    !many &&
    !(refused && unaccounted > 0 && capacity.utilisation < target.limits.criticalUtilisation)
  ) {
    return [];
  }
  return [
    {
      id: 'half-open-logins',
      severity: refused || held >= capacity.usable * 0.2 ? 'critical' : 'warning',
      summary: `${count(held, 'slot is', 'slots are')} held by clients that have not finished logging in.`,
      figure: { value: held, unit: 'slots' },
      evidence: [
        ...(unaccounted > 0
          ? [
              `New connections are refused, although only ${count(capacity.used, 'session is', 'sessions are')} visible.`,
            ]
          : []),
        ...(capacity.unauthenticated === null
          ? []
          : [`${count(capacity.unauthenticated, 'process is', 'processes are')} authenticating.`]),
      ],
      fix: 'Find the client that connects and stalls: a health check, a broken proxy, a port scan. Each slot is freed after authentication_timeout (60 s by default).',
    },
  ];
}

/** A superuser that an application logs in as, and how many sessions it has. */
interface ApplicationSuperuser {
  readonly role: string;
  readonly isBootstrap: boolean;
  readonly sessions: number;
}

/**
 * The official image makes POSTGRES_USER a superuser, so this is how many applications run. Where no service is
 * configured, any role that holds several sessions and is no console is one.
 */
export function findApplicationSuperusers({
  reading,
  target,
  sources,
}: Pick<Evidence, 'reading' | 'target' | 'sources'>): readonly ApplicationSuperuser[] {
  const isApplication = ({ user, service, kind }: Source): boolean =>
    // Through a pooler it is an application too.
    kind === 'pooler' ||
    (kind === 'application' &&
      (service !== null ||
        target.services.length === 0 ||
        target.applicationRoles.includes(user ?? '')));
  return (reading?.superuserRoles ?? []).flatMap(({ name, isBootstrap }) => {
    const held = sources.filter((one) => one.user === name && isApplication(one));
    const sessions = sum(held.map(({ total }) => total));
    return held.length === 0 ? [] : [{ role: name, isBootstrap, sessions }];
  });
}

/** It costs something where they take the slots that superusers alone can have. */
function superusers(evidence: Evidence): Finding[] {
  const { reading, capacity } = evidence;
  if (reading === undefined) return [];
  const found = findApplicationSuperusers(evidence);
  const { roleSuperuser } = reading.visibility;
  const others = reading.counts.superuser - (roleSuperuser ? reading.counts.own : 0);
  if (found.length === 0) return orphans(Math.max(0, others));
  const total = sum(found.map(({ sessions }) => sessions));
  const eats = capacity !== null && capacity.used > capacity.usable;
  const slots = eats ? 'holds' : 'can take';
  return [
    {
      id: 'superuser-application',
      severity: eats ? 'critical' : 'warning',
      summary: `The application logs in as a superuser (${count(total, 'session')}) and ${slots} reserved slots. pg_signal_backend cannot end its sessions.`,
      figure: { value: total, unit: 'sessions' },
      evidence: [
        `Superuser roles of applications: ${list(found.map(({ role }) => quoteIdentifier(role)))}.`,
      ],
      fix: found.map(toOrdinary).join(' '),
    },
  ];
}

function toOrdinary(superuser: ApplicationSuperuser): string {
  const [first = '', ...rest] = ordinaryCommands(superuser);
  return rest.length === 0 ? `${first} It keeps its objects.` : `${first} Doctor shows the rest.`;
}

/** The whole of it, for doctor. What it is granted, it does not own: a migration that alters old tables has to. */
export function toOrdinaryRole(superuser: ApplicationSuperuser): string {
  const commands = list(ordinaryCommands(superuser).map((command) => `\`${command}\``));
  return superuser.isBootstrap
    ? `Give it a role of its own: ${commands}. Migrations keep ${quoteIdentifier(superuser.role)}, which owns the tables.`
    : `Make it an ordinary role: ${commands}.`;
}

/** The role initdb made, POSTGRES_USER in the official image, cannot lose the attribute (ALTER ROLE, PostgreSQL 16 and later). */
function ordinaryCommands({ role, isBootstrap }: ApplicationSuperuser): readonly string[] {
  if (!isBootstrap) return [`ALTER ROLE ${quoteIdentifier(role)} NOSUPERUSER;`];
  const login = quoteIdentifier(`${role}_login`);
  return [
    `CREATE ROLE ${login} LOGIN PASSWORD '…';`,
    `GRANT ALL ON SCHEMA public TO ${login};`,
    `GRANT ALL ON ALL TABLES IN SCHEMA public TO ${login};`,
    `GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${login};`,
  ];
}

/** Superusers that are no application: somebody's psql, a cron job, an exporter. */
function orphans(held: number): Finding[] {
  if (held < 2) return [];
  return [
    {
      id: 'superuser-sessions',
      severity: 'info',
      summary: `${held} superuser sessions are open; they can take the last reserved slots.`,
      figure: { value: held, unit: 'sessions' },
      evidence: [],
      fix: 'Give monitoring and jobs a role with pg_monitor instead, and close forgotten consoles.',
    },
  ];
}

function limits({ reading, target }: Evidence): Finding[] {
  const near = (reading?.connectionLimits ?? []).filter(
    ({ limit, used }) => limit > 0 && used / limit >= target.limits.warningUtilisation,
  );
  return near.map(({ kind, name, limit, used }) => ({
    id: `${kind}-limit-near`,
    severity: used >= limit ? 'critical' : 'warning',
    summary: `A ${kind} uses ${used} of its limit of ${count(limit, 'connection')}.`,
    figure: { value: used, unit: 'connections', limit },
    evidence: [`The ${kind} is ${quoteIdentifier(name)}.`],
    fix: `Find out why it is used up. Then raise it with ALTER ${kind.toUpperCase()} … CONNECTION LIMIT.`,
  }));
}

function apart({ capacity, reading }: Evidence): Finding[] {
  const standbys = reading?.standbys ?? [];
  if (capacity === null || (capacity.apart.walsenders === 0 && standbys.length === 0)) return [];
  return [
    {
      id: 'replication',
      severity: 'info',
      summary: `${count(capacity.apart.walsenders, 'walsender')} ${capacity.apart.walsenders === 1 ? 'is' : 'are'} connected; they use none of these slots. Raise max_connections on the standbys first.`,
      figure: { value: capacity.apart.walsenders, unit: 'walsenders' },
      evidence: standbys.map(({ application, state, replayLagSeconds }) =>
        [
          application,
          state,
          replayLagSeconds === null ? 'lag unknown' : `${replayLagSeconds} s behind`,
        ].join(', '),
      ),
    },
  ];
}

/** Settings that will matter to a remedy, or would have prevented the night. */
export function findInSettings({ reading, capacity, target }: Evidence): Finding[] {
  if (reading === undefined) return [];
  return [
    ...pending(reading.settings),
    ...commandLine(reading.settings, capacity?.utilisation ?? 0, target.limits.warningUtilisation),
    ...timeouts(reading.settings),
  ];
}

type Settings = NonNullable<Evidence['reading']>['settings'];

function pending(settings: Settings): Finding[] {
  const names = settings.filter(({ pendingRestart }) => pendingRestart).map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    {
      id: 'pending-restart',
      severity: names.includes('max_connections') ? 'warning' : 'info',
      summary: `${list(names)} ${names.length === 1 ? 'was' : 'were'} changed, but the old ${names.length === 1 ? 'value applies' : 'values apply'} until PostgreSQL restarts.`,
      figure: { value: names.length, unit: 'settings' },
      evidence: [],
      fix: 'Restart PostgreSQL at a quiet time. If the value comes from the command line, change it there.',
    },
  ];
}

/** PostgreSQL then accepts ALTER SYSTEM, says pending_restart, and starts with the old value all the same. */
function commandLine(settings: Settings, utilisation: number, from: number): Finding[] {
  const found = settings.find(({ name }) => name === 'max_connections');
  if (found?.source !== 'command line' || utilisation < from) return [];
  return [
    {
      id: 'max-connections-on-command-line',
      severity: 'info',
      summary: 'max_connections is set on the command line, which overrides ALTER SYSTEM.',
      evidence: [`The value is ${found.value}.`],
      fix: 'Change it under command in the Compose file, or where the server is started.',
    },
  ];
}

function timeouts(settings: Settings): Finding[] {
  const found = settings.find(({ name }) => name === 'idle_in_transaction_session_timeout');
  if (found === undefined || Number(found.value) !== 0) return [];
  return [
    {
      id: 'idle-in-transaction-timeout-off',
      severity: 'info',
      summary: 'Nothing ends forgotten transactions: idle_in_transaction_session_timeout is off.',
      evidence: [],
      fix: "ALTER SYSTEM SET idle_in_transaction_session_timeout = '10min'; SELECT pg_reload_conf();",
    },
  ];
}

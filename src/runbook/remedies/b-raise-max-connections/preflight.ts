import { count } from '../../snapshot/words.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer } from '../remedy.ts';
import type { HostState, MaxConnectionsReading } from './ports.ts';

/**
 * Shared memory for each connection, measured with `postgres -C shared_memory_size` on 15 and 18, with 100 to 5,000
 * connections: 24.3 kB and 0.4 kB for each of max_locks_per_transaction, at the defaults of all else.
 */
const bytesPerConnection = 25_000;
const bytesPerLock = 400;

/** What a value of max_connections asks of the machine, in bytes. An estimate. */
interface MemoryNeed {
  /** More shared memory than now; negative when lowering. */
  readonly moreShared: number;
  /** All of it; null before PostgreSQL 15, which does not tell. */
  readonly shared: number | null;
  /** Every connection sorts or hashes once, at the same time. One that does so twice takes twice as much. */
  readonly atWork: number;
}

export function estimateMemory({ memory, inForce }: MaxConnectionsReading, to: number): MemoryNeed {
  const { locksPerTransaction, workMemBytes, hashMultiplier, sharedBytes } = memory;
  const perConnection = bytesPerConnection + bytesPerLock * locksPerTransaction;
  const moreShared = (to - inForce) * perConnection;
  return {
    moreShared,
    shared: sharedBytes === null ? null : sharedBytes + moreShared,
    atWork: to * workMemBytes * Math.max(1, hashMultiplier),
  };
}

/** The shared memory alone is more than there is: it would not start, or be killed while it does. */
function isBeyond({ shared, moreShared }: MemoryNeed, serverHost: HostState | undefined): boolean {
  const limit = serverHost?.memoryBytes ?? null;
  return limit !== null && (shared ?? moreShared) > limit;
}

export function memorySentences(
  need: MemoryNeed,
  to: number,
  serverHost: HostState | undefined,
): readonly string[] {
  const { moreShared, shared, atWork } = need;
  const limit = serverHost?.memoryBytes ?? null;
  const of = limit === null ? '' : `, of ${bytes(limit)} that it may use`;
  const together = (shared ?? Math.max(0, moreShared)) + atWork;
  const isTight = limit !== null && together > limit;
  return [
    ...(moreShared > 0
      ? [
          `About ${bytes(moreShared)} more shared memory, by an estimate${shared === null ? '' : `: ${bytes(shared)} in all`}${of}.`,
        ]
      : []),
    `If all ${to} connections sorted or hashed at once, they would take ${bytes(atWork)} of work_mem${isTight ? ': with the shared memory that is more than there is, and the kernel would kill something' : ''}.`,
  ];
}

/** `812 kB`, `12 MB`, `1.5 GB`. */
function bytes(n: number): string {
  const units = ['kB', 'MB', 'GB'] as const;
  let value = n / 1024;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 10 ? Math.round(value) : Math.round(value * 10) / 10} ${units[unit] ?? ''}`;
}

/** What is known before anything is changed. */
export interface PreflightInput {
  readonly reading: MaxConnectionsReading;
  /** Undefined where dbconn cannot restart PostgreSQL. */
  readonly serverHost: HostState | undefined;
  readonly to: number;
}

/** PostgreSQL's MAX_BACKENDS, of all processes together; a sum beyond it is found at the start only. */
const mostProcesses = 262_143;
/** Lowering leaves at least so much room above what is used now. */
const leastRoom = 5;
const leastRoomShare = 0.1;

type Check = (flight: PreflightInput) => ReturnType<typeof refuse> | undefined;

/** The first thing that speaks against it decides, in the order in which an operator would have to mend them. */
const checks: readonly Check[] = [
  checkRecovery,
  checkSource,
  checkPrivilege,
  checkStandbys,
  checkNumber,
  checkRoom,
  checkMemory,
  checkHost,
];

/** Those that hold for whoever changes it; the others say what dbconn cannot do. */
const harms: readonly Check[] = [checkNumber, checkRoom, checkMemory];

/** Whether this change can be made, or why not and what to do instead. Nothing is changed to find out. */
export function preflight(flight: PreflightInput, byHand = false): Answer<PreflightInput> {
  for (const check of byHand ? harms : checks) {
    const refusal = check(flight);
    if (refusal !== undefined) return refusal;
  }
  return done(flight);
}

function checkRecovery({ reading }: PreflightInput): ReturnType<Check> {
  if (!reading.inRecovery) return undefined;
  return refuse(
    'in-recovery',
    'This server is a standby. Its own file is read at its start, and ALTER SYSTEM cannot write here.',
    'To raise: set max_connections in its postgresql.conf and restart it, and after all standbys the primary. To lower: the primary first.',
  );
}

/** A value from any file gives way to postgresql.auto.conf, which is read last. One from the command line does not. */
function checkSource({ reading: { source } }: PreflightInput): ReturnType<Check> {
  if (source === 'configuration file' || source === 'default') return undefined;
  if (source === 'command line') {
    return refuse(
      'command-line',
      'max_connections comes from the command line, which beats ALTER SYSTEM: a restart would change nothing.',
      'Edit it there: `command:` of the service in the compose file, then `docker compose up -d` for it; or the unit file of the server.',
    );
  }
  return refuse(
    'source',
    'max_connections comes from neither a configuration file nor the default, so ALTER SYSTEM may have no effect.',
    'See SELECT source FROM pg_settings for it, and change it there.',
  );
}

function checkPrivilege({ reading: { privileges, version } }: PreflightInput): ReturnType<Check> {
  if (!privileges.alterSystemAllowed) {
    return refuse(
      'not-allowed',
      'ALTER SYSTEM is switched off on this server: allow_alter_system is off.',
      'Whoever manages the configuration of this server changes max_connections there.',
    );
  }
  if (privileges.alterSystem) return undefined;
  return refuse(
    'privilege',
    'The acting role may not change max_connections.',
    version >= 150_000
      ? 'GRANT ALTER SYSTEM ON PARAMETER max_connections to it; see deploy/grants.sql.'
      : 'Before PostgreSQL 15 only a superuser may: set database.actingUrl to one, or change it by hand.',
  );
}

/** A hot standby with a lower value than its primary stops replaying, and ends when it is resumed. */
function checkStandbys({ reading, to }: PreflightInput): ReturnType<Check> {
  const { standbys, inForce } = reading;
  if (to <= inForce || standbys.length === 0) return undefined;
  const names = standbys.map(({ application, address }) => nameOf(application, address));
  return refuse(
    'standbys',
    `${count(standbys.length, 'standby')} of this server must have max_connections = ${to} first, or replay stops there: ${names.join(', ')}.`,
    `Raise each to at least ${to} and restart it, then this server by hand: what a standby is set to cannot be seen from here.`,
  );
}

/** Names are anybody's text with REPLICATION: only what can neither mention nor format is repeated. */
function nameOf(application: string, address: string | null): string {
  const name = /^[\w.-]{1,63}$/.test(application) ? application : 'one without a plain name';
  return address === null ? name : `${name} (${address})`;
}

function checkNumber({ reading, to }: PreflightInput): ReturnType<Check> {
  const { slots, inForce, pendingRestart } = reading;
  const reservedSum = slots.superuserReserved + slots.reserved;
  if (to === inForce && !pendingRestart) {
    return refuse('nothing-to-do', `max_connections is ${to} already.`, 'Name another number.');
  }
  if (to <= reservedSum) {
    return refuse(
      'too-low',
      `PostgreSQL would not start: ${count(reservedSum, 'connection')} are reserved, and max_connections must be more.`,
      'Name a higher number.',
    );
  }
  if (to + slots.otherProcesses >= mostProcesses) {
    return refuse(
      'too-high',
      `PostgreSQL would not start: with its ${slots.otherProcesses} other processes that is more than the ${mostProcesses} it can have.`,
      'Name a lower number. Thousands of connections are a case for a pooler.',
    );
  }
  return undefined;
}

/** Lowering, as an undo does, must not lock out who is there now. */
function checkRoom({ reading, to }: PreflightInput): ReturnType<Check> {
  const { slots, sessions, inForce } = reading;
  if (to >= inForce) return undefined;
  const needed =
    sessions.clients + Math.max(leastRoom, Math.ceil(sessions.clients * leastRoomShare));
  const least = needed + slots.superuserReserved + slots.reserved;
  if (to >= least) return undefined;
  return refuse(
    'too-low',
    `${count(sessions.clients, 'session')} are open now; with the reserved ones and some room that takes max_connections of at least ${least}.`,
    'Free connections first, or name a higher number.',
  );
}

function checkMemory({ reading, serverHost, to }: PreflightInput): ReturnType<Check> {
  const need = estimateMemory(reading, to);
  if (!isBeyond(need, serverHost)) return undefined;
  const limit = serverHost?.memoryBytes ?? 0;
  return refuse(
    'memory',
    `It would need about ${bytes(need.shared ?? need.moreShared)} of shared memory, and ${bytes(limit)} is all there is.`,
    'Name a lower number, or put a pooler in front.',
  );
}

function checkHost({ reading, serverHost }: PreflightInput): ReturnType<Check> {
  if (serverHost === undefined || reading.dataDirectory !== null) return undefined;
  return refuse(
    'privilege',
    'The acting role may not see data_directory, so no copy of postgresql.auto.conf can be kept.',
    'GRANT pg_monitor to it; see deploy/grants.sql.',
  );
}

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
  const of = limit === null ? '' : `, of ${bytes(limit)} available`;
  const together = (shared ?? Math.max(0, moreShared)) + atWork;
  const isTight = limit !== null && together > limit;
  return [
    ...(moreShared > 0
      ? [
          `About ${bytes(moreShared)} more shared memory (estimated)${shared === null ? '' : `, ${bytes(shared)} in total`}${of}.`,
        ]
      : []),
    `If all ${to} connections sort at once, they need ${bytes(atWork)} of work_mem${isTight ? '. With the shared memory that is more than there is: the kernel may kill a process' : ''}.`,
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

/** Those that hold for anyone who changes it; the others say what dbconn cannot do. */
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
    'This server is a standby, and ALTER SYSTEM cannot write here.',
    'To raise it, edit postgresql.conf and restart each standby, then the primary. To lower it, start with the primary.',
  );
}

/** A value from any file gives way to postgresql.auto.conf, which is read last. One from the command line does not. */
function checkSource({ reading: { source } }: PreflightInput): ReturnType<Check> {
  if (source === 'configuration file' || source === 'default') return undefined;
  if (source === 'command line') {
    return refuse(
      'command-line',
      'max_connections comes from the command line, which overrides ALTER SYSTEM.',
      'Edit `command:` in the compose file and run `docker compose up -d`, or edit the unit file.',
    );
  }
  return refuse(
    'source',
    'max_connections is not set in a configuration file, so ALTER SYSTEM may have no effect.',
    'Find it with SELECT source FROM pg_settings, and change it there.',
  );
}

function checkPrivilege({ reading: { privileges, version } }: PreflightInput): ReturnType<Check> {
  if (!privileges.alterSystemAllowed) {
    return refuse(
      'not-allowed',
      'ALTER SYSTEM is disabled on this server (allow_alter_system).',
      'Change max_connections where the configuration of this server is managed.',
    );
  }
  if (privileges.alterSystem) return undefined;
  return refuse(
    'privilege',
    'The acting role may not change max_connections.',
    version >= 150_000
      ? 'Run GRANT ALTER SYSTEM ON PARAMETER max_connections for it: see deploy/grants.sql.'
      : 'Before PostgreSQL 15 this needs a superuser: set one as database.actingUrl, or change it by hand.',
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
    `Raise each to at least ${to} and restart it, then change this server by hand.`,
  );
}

/** Names are anybody's text with REPLICATION: only what can neither mention nor format is repeated. */
function nameOf(application: string, address: string | null): string {
  const name = /^[\w.-]{1,63}$/.test(application) ? application : 'a standby with an unusual name';
  return address === null ? name : `${name} (${address})`;
}

function checkNumber({ reading, to }: PreflightInput): ReturnType<Check> {
  const { slots, inForce, pendingRestart } = reading;
  const reservedSum = slots.superuserReserved + slots.reserved;
  if (to === inForce && !pendingRestart) {
    return refuse('nothing-to-do', `max_connections is already ${to}.`, 'Choose another number.');
  }
  if (to <= reservedSum) {
    return refuse(
      'too-low',
      `PostgreSQL would not start: ${count(reservedSum, 'connection is', 'connections are')} reserved, and max_connections must be more.`,
      'Choose a higher number.',
    );
  }
  if (to + slots.otherProcesses >= mostProcesses) {
    return refuse(
      'too-high',
      `PostgreSQL would not start: it can have at most ${mostProcesses} processes, and ${slots.otherProcesses} others are taken.`,
      'Choose a lower number. For thousands of connections, use a pooler.',
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
    `${count(sessions.clients, 'session is', 'sessions are')} open now, so max_connections must be at least ${least}.`,
    'Free connections first, or choose a higher number.',
  );
}

function checkMemory({ reading, serverHost, to }: PreflightInput): ReturnType<Check> {
  const need = estimateMemory(reading, to);
  if (!isBeyond(need, serverHost)) return undefined;
  const limit = serverHost?.memoryBytes ?? 0;
  return refuse(
    'memory',
    `It needs about ${bytes(need.shared ?? need.moreShared)} of shared memory, and only ${bytes(limit)} is available.`,
    'Choose a lower number, or use a pooler.',
  );
}

function checkHost({ reading, serverHost }: PreflightInput): ReturnType<Check> {
  if (serverHost === undefined || reading.dataDirectory !== null) return undefined;
  return refuse(
    'privilege',
    'The acting role cannot read data_directory, so dbconn cannot keep a copy of postgresql.auto.conf.',
    'Run GRANT pg_monitor for it: see deploy/grants.sql.',
  );
}

import { z } from 'zod';
import type { Clock } from '../../../timing.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Target } from '../../snapshot/target.ts';
import type { Lease } from '../remedy.ts';

/**
 * What PostgreSQL runs in, where dbconn may restart it: a container, or the sandbox's own process.
 * Every method but `readLog` throws PrivilegedUnavailable when it cannot be done or told.
 */
export interface ServerHost {
  readState(): Promise<HostState>;
  /** The end of the log of the present run, or of the last one: at most 100 lines, redacted, untrusted. Never throws. */
  readLog(): Promise<readonly string[]>;
  /**
   * A fast shutdown, waited for; what restarts it by itself is told not to. Where it is down already, that alone.
   * It has at least 300 s: a kill before it has written everything would make the next start a crash recovery.
   */
  stop(): Promise<void>;
  /** Starts it and does not wait until it accepts connections. Where it runs already, nothing. */
  start(): Promise<void>;
  /** Beside the original, with its owner and mode. */
  keepCopy(files: KeptFile): Promise<KeptCopy>;
  /** The copy becomes the original again. PostgreSQL must be stopped. Throws when the copy is not what was kept. */
  putBack(files: KeptFile, kept: KeptCopy): Promise<void>;
  /** `emptied` where nothing can be removed from outside: an empty file stays. A copy that is not there is removed. */
  removeCopy(files: KeptFile): Promise<'removed' | 'emptied'>;
}

export interface KeptFile {
  readonly path: string;
  readonly copyPath: string;
}

export interface KeptCopy {
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface HostState {
  /** The container's name. */
  readonly name: string;
  readonly running: boolean;
  /** How often it was started again by itself since somebody asked for a start. */
  readonly restarts: number;
  /** Another value means another process. */
  readonly startedAt: string | null;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** What it may use: its own limit, or else the machine's memory. Null when neither is known. */
  readonly memoryBytes: number | null;
}

/** What option B reads and writes of one target's PostgreSQL, as the acting role. */
export interface ServerSettings {
  /** Everything a change of max_connections has to heed. Throws PrivilegedUnavailable. */
  readMaxConnections(): Promise<MaxConnectionsReading>;
  /**
   * ALTER SYSTEM SET, or RESET with null. It is in force after a restart only.
   * Throws PrivilegedUnavailable, also where PostgreSQL refuses it.
   */
  alterMaxConnections(to: number | null, lease: Lease): Promise<void>;
  /** So that the shutdown that follows has little left to write. Throws PrivilegedUnavailable when the connection is lost. */
  writeCheckpoint(): Promise<'written' | 'not allowed' | 'too slow'>;
  /** Whether PostgreSQL takes connections: while it restarts, not reaching it is an answer and no error. */
  readAcceptance(): Promise<Acceptance>;
}

export type Acceptance =
  | {
      readonly state: 'accepting';
      /** Null when it refused our login, which only a server that is up does. */
      readonly maxConnections: number | null;
    }
  /** Starting up or recovering, which takes as long as it takes. */
  | { readonly state: 'starting' }
  | { readonly state: 'shutting-down' }
  | { readonly state: 'silent' };

export const MaxConnectionsReading = z.object({
  /** `server_version_num`. */
  version: z.number(),
  inRecovery: z.boolean(),
  /** What holds. */
  inForce: z.number(),
  /** pg_settings.source: nothing in a file beats `command line`. */
  source: z.string(),
  pendingRestart: z.boolean(),
  /** What postgresql.auto.conf says; null when it says nothing. */
  auto: z.number().nullable(),
  /** What would hold without that line; null when it cannot be told. */
  beneath: z.number().nullable(),
  /** Other settings that wait for a restart, and would come with this one. At most 10 names. */
  otherPending: z.array(z.string()).readonly(),
  /** Null when the acting role may not see it. */
  dataDirectory: z.string().nullable(),
  privileges: z.object({
    alterSystem: z.boolean(),
    /** PostgreSQL 17+: allow_alter_system. */
    alterSystemAllowed: z.boolean(),
  }),
  slots: z.object({
    superuserReserved: z.number(),
    /** PostgreSQL 16+: reserved_connections. */
    reserved: z.number(),
    /** Processes that are counted together with connections: autovacuum, background workers, WAL senders. */
    otherProcesses: z.number(),
  }),
  sessions: z.object({
    /** Client backends, dbconn's own included. */
    clients: z.number(),
    inTransaction: z.number(),
  }),
  memory: z.object({
    locksPerTransaction: z.number(),
    workMemBytes: z.number(),
    /** hash_mem_multiplier: so many times work_mem for a hash. */
    hashMultiplier: z.number(),
    /** PostgreSQL 15+; null before. */
    sharedBytes: z.number().nullable(),
  }),
  /** Physical replicas that are connected. At most 20. */
  standbys: z
    .array(
      z.object({
        /** Untrusted text. */
        application: z.string(),
        address: z.string().nullable(),
      }),
    )
    .readonly(),
  /** Physical replication slots nobody is connected to: the standby is away, and may come back. */
  absentStandbys: z.number(),
});
export type MaxConnectionsReading = Readonly<z.infer<typeof MaxConnectionsReading>>;

export interface OptionBPorts {
  readonly serverSettings: ServerSettings;
  /** Absent where dbconn may not restart PostgreSQL: then somebody is told to. */
  readonly serverHost?: ServerHost;
  readonly takeSnapshot: () => Promise<Snapshot>;
  readonly clock: Clock;
  readonly target: Target;
  /** How long a server whose process lives may say nothing at all. One that says it is starting has all the time it needs. */
  readonly silentForMs: number;
  /** How long the applications get to show up again. */
  readonly returnWithinMs: number;
  /** A plan for a person: what dbconn may and can is no matter. */
  readonly byHand?: boolean;
}

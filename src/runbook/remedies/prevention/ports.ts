import type { Lease } from '../lease.ts';
import type { RemedyRequest } from '../remedy-request.ts';

/** The connection limits of one target's roles, over a connection as the acting role that is opened for the work. */
export interface RoleLimits {
  /** Throws PrivilegedUnavailable when no connection can be had or is lost. */
  withSession<T>(work: (session: RoleLimitSession) => Promise<T>): Promise<T>;
}

export interface RoleLimitSession {
  readRoleLimit(role: string): Promise<RoleLimitReading>;
  /**
   * ALTER ROLE … CONNECTION LIMIT, null for none: in force at once for every login after it; sessions that exist stay.
   * Returns the SQLSTATE when PostgreSQL refuses.
   */
  alterRoleLimit(role: string, limit: number | null, lease: Lease): Promise<string | undefined>;
}

export interface RoleLimitReading {
  readonly version: number;
  readonly inRecovery: boolean;
  readonly acting: {
    readonly role: string;
    readonly superuser: boolean;
    readonly createRole: boolean;
  };
  /** Absent where there is no such role. */
  readonly role?: {
    /** Null for none. */
    readonly limit: number | null;
    readonly canLogin: boolean;
    readonly superuser: boolean;
    /** PostgreSQL 16+: CREATEROLE alone is not enough, it must be granted WITH ADMIN OPTION. */
    readonly isAdministered: boolean;
  };
  /** The acting role, or one that dbconn looks with. */
  readonly isOwn: boolean;
  /** Client backends of the role. */
  readonly open: number;
  /** Their application names, at most 50. Untrusted text. */
  readonly applications: readonly string[];
}

/** Which time-out is set: the runbook's two. */
export type TimeoutName = Extract<RemedyRequest, { kind: 'set-timeout' }>['setting'];

/** Where: for one role, or with null for the whole cluster. The role is untrusted text. */
export interface TimeoutPlace {
  readonly setting: TimeoutName;
  readonly role: string | null;
}

/** One target's two time-outs, over a connection as the acting role that is opened for the work and closed after. */
export interface Timeouts {
  /** Throws PrivilegedUnavailable when no connection can be had or is lost. */
  withSession<T>(work: (session: TimeoutSession) => Promise<T>): Promise<T>;
}

export interface TimeoutSession {
  /** What is set and what holds there. */
  readTimeout(place: TimeoutPlace, interest?: TimeoutInterest): Promise<TimeoutReading>;
  /**
   * Writes it, null takes it away: ALTER ROLE … SET, which is in force at once for sessions that log in after, or
   * ALTER SYSTEM, which is not in force before a reload. Returns the SQLSTATE when PostgreSQL refuses.
   */
  alterTimeout(place: TimeoutPlace, ms: number | null, lease: Lease): Promise<string | undefined>;
  /** Tells the server to read its files again. It does so in its own time, and leaves out what it cannot read. */
  reloadConfiguration(lease: Lease): Promise<void>;
}

/** Which sessions to count beside it. */
export interface TimeoutInterest {
  /** Those that rest for longer than this. */
  readonly overMs: number | null;
  /** application_name of poolers, in lower case. */
  readonly poolers: readonly string[];
  /** Roles of dbconn, beside the acting one, whose sessions do not count. */
  readonly ownRoles?: readonly string[];
}

/** Values are milliseconds; 0 is off. */
export interface TimeoutReading {
  readonly version: number;
  readonly inRecovery: boolean;
  /** The server has such a setting at all. */
  readonly exists: boolean;
  /** What is set at that place: in postgresql.auto.conf, or at the role. Null: nothing. */
  readonly setMs: number | null;
  /** What holds there now: of the server, or for a new session of the role. Null where it cannot be told. */
  readonly inForceMs: number | null;
  /** Where what holds comes from, in pg_settings' words. */
  readonly source: string;
  /** The acting role has a value of its own, so what holds for others cannot be seen by it. */
  readonly isOverriddenHere: boolean;
  /** When the server last read its files, UTC with microseconds. */
  readonly loadedAt: string;
  /** What does not hold for: places with a value of their own, at most 50. */
  readonly overrides: readonly TimeoutOverride[];
  readonly overridesTotal: number;
  readonly privileges: TimeoutPrivileges;
  /** Absent for a place without a role, or for a role that does not exist. */
  readonly role?: TimeoutRole;
  readonly sessions: {
    /** Client backends, of that role if there is one, dbconn's own excluded. */
    readonly open: number;
    /** Of those, how many rest for longer than asked about; 0 without a number. */
    readonly resting: number;
    readonly poolers: number;
  };
}

/** Names are untrusted text. */
export interface TimeoutOverride {
  readonly role: string | null;
  readonly database: string | null;
  readonly value: string;
}

interface TimeoutPrivileges {
  readonly actingRole: string;
  readonly superuser: boolean;
  readonly createRole: boolean;
  /** PostgreSQL 15+: GRANT ALTER SYSTEM ON PARAMETER. */
  readonly alterSystem: boolean;
  readonly reload: boolean;
  /** pg_show_all_file_settings(): else the value before could not be told. */
  readonly readFiles: boolean;
  /** PostgreSQL 17+: allow_alter_system. */
  readonly alterSystemAllowed: boolean;
  /** A line in the files that cannot be read: then no reload changes anything. */
  readonly filesBroken: boolean;
}

interface TimeoutRole {
  readonly canLogin: boolean;
  readonly superuser: boolean;
  /** PostgreSQL 16+: CREATEROLE alone is not enough, it must be granted WITH ADMIN OPTION. */
  readonly isAdministered: boolean;
}

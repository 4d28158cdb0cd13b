import type { Lease } from '../remedies/lease.ts';
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

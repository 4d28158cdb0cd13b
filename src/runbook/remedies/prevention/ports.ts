import { z } from 'zod';
import type { Lease, Privileged } from '../remedy.ts';
import type { RemedyRequest } from '../remedy-request.ts';

/** The connection limits of one target's roles. */
export type RoleLimits = Privileged<RoleLimitSession>;

export interface RoleLimitSession {
  readRoleLimit(role: string): Promise<RoleLimitReading>;
  /**
   * ALTER ROLE … CONNECTION LIMIT, null for none: in force at once for every login after it; sessions that exist stay.
   * Returns the SQLSTATE when PostgreSQL refuses.
   */
  alterRoleLimit(role: string, limit: number | null, lease: Lease): Promise<string | undefined>;
}

export const RoleLimitReading = z.object({
  version: z.number(),
  inRecovery: z.boolean(),
  acting: z.object({
    role: z.string(),
    superuser: z.boolean(),
    createRole: z.boolean(),
  }),
  /** Absent where there is no such role. */
  role: z
    .object({
      /** Null for none. */
      limit: z.number().nullable(),
      canLogin: z.boolean(),
      superuser: z.boolean(),
      /** PostgreSQL 16+: CREATEROLE alone is not enough, it must be granted WITH ADMIN OPTION. */
      isAdministered: z.boolean(),
    })
    .exactOptional(),
  /** The acting role, or one that dbconn looks with. */
  isOwn: z.boolean(),
  /** Client backends of the role. */
  open: z.number(),
  /** Their application names, at most 50. Untrusted text. */
  applications: z.array(z.string()).readonly(),
});
export type RoleLimitReading = Readonly<z.infer<typeof RoleLimitReading>>;

/** Which time-out is set: the runbook's two. */
export type TimeoutName = Extract<RemedyRequest, { kind: 'set-timeout' }>['setting'];

/** Where: for one role, or with null for the whole cluster. The role is untrusted text. */
export interface TimeoutPlace {
  readonly setting: TimeoutName;
  readonly role: string | null;
}

/** One target's two time-outs. */
export type Timeouts = Privileged<TimeoutSession>;

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

const TimeoutPrivileges = z.object({
  actingRole: z.string(),
  superuser: z.boolean(),
  createRole: z.boolean(),
  /** PostgreSQL 15+: GRANT ALTER SYSTEM ON PARAMETER. */
  alterSystem: z.boolean(),
  reload: z.boolean(),
  /** pg_show_all_file_settings(): else the value before could not be told. */
  readFiles: z.boolean(),
  /** PostgreSQL 17+: allow_alter_system. */
  alterSystemAllowed: z.boolean(),
  /** A line in the files that cannot be read: then no reload changes anything. */
  filesBroken: z.boolean(),
});

const TimeoutRole = z.object({
  canLogin: z.boolean(),
  superuser: z.boolean(),
  /** PostgreSQL 16+: CREATEROLE alone is not enough, it must be granted WITH ADMIN OPTION. */
  isAdministered: z.boolean(),
});

/** Names are untrusted text. */
const TimeoutOverride = z.object({
  role: z.string().nullable(),
  database: z.string().nullable(),
  value: z.string(),
});
export type TimeoutOverride = Readonly<z.infer<typeof TimeoutOverride>>;

/** Values are milliseconds; 0 is off. */
export const TimeoutReading = z.object({
  version: z.number(),
  inRecovery: z.boolean(),
  /** The server has such a setting at all. */
  exists: z.boolean(),
  /** What is set at that place: in postgresql.auto.conf, or at the role. Null: nothing. */
  setMs: z.number().nullable(),
  /** What holds there now: of the server, or for a new session of the role. Null where it cannot be told. */
  inForceMs: z.number().nullable(),
  /** Where what holds comes from, in pg_settings' words. */
  source: z.string(),
  /** The acting role has a value of its own, so what holds for others cannot be seen by it. */
  isOverriddenHere: z.boolean(),
  /** When the server last read its files, UTC with microseconds. */
  loadedAt: z.string(),
  /** What does not hold for: places with a value of their own, at most 50. */
  overrides: z.array(TimeoutOverride).readonly(),
  overridesTotal: z.number(),
  privileges: TimeoutPrivileges,
  /** Absent for a place without a role, or for a role that does not exist. */
  role: TimeoutRole.exactOptional(),
  sessions: z.object({
    /** Client backends, of that role if there is one, dbconn's own excluded. */
    open: z.number(),
    /** Of those, how many rest for longer than asked about; 0 without a number. */
    resting: z.number(),
    poolers: z.number(),
  }),
});
export type TimeoutReading = Readonly<z.infer<typeof TimeoutReading>>;

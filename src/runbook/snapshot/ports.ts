import { z } from 'zod';
import type {
  DatabaseSnapshot,
  Part,
  PoolEndpointSnapshot,
  Problem,
  ReachError,
  ServiceLogs,
  ServicesReading,
} from './snapshot.ts';

/** One target's PostgreSQL. */
export interface Database {
  /** Never throws: not reaching the database is this program's subject. Bounded by 4 s. */
  readSnapshot(): Promise<DatabaseSnapshot>;
  /** Which server's database it is; undefined until a snapshot has told. */
  identity?(): ServerIdentity | undefined;
  close(): Promise<void>;
}

/** The containers around one target. */
export interface Services {
  readServices(): Promise<Part<ServicesReading>>;
  readLogs(): Promise<Part<readonly ServiceLogs[]>>;
  /** Where something stands between dbconn and the containers that may refuse it. Changes nothing. */
  readPermissions?(): Promise<ServicePermissions>;
}

/** What may be asked of the containers' engine. */
export interface ServicePermissions {
  readonly read: Permission;
  readonly restart: Permission;
  /** Running psql in the PostgreSQL container. */
  readonly exec: Permission;
  /** Recreating a container (option E). */
  readonly recreate: Permission;
  /** Stopping, starting and reading the container of PostgreSQL (option B). */
  readonly server: Permission;
}

/** `problem` says why something may not be done, or why that could not be told. */
export type Permission =
  | { readonly state: 'allowed' }
  | { readonly state: 'refused' | 'unknown'; readonly problem: Problem };

/** The addresses dbconn logs in with, as dbconn.yml calls them. */
export type RoleSetting = 'url' | 'actingUrl' | 'reservedUrl' | 'rescueUrl';

/** What a role may do, as a login of its own showed. */
export const RoleRights = z.object({
  role: z.string(),
  superuser: z.boolean(),
  /** `server_version_num`. */
  version: z.number().int(),
  /** It sees the sessions of all other roles. */
  monitor: z.boolean(),
  /** It was let signal a session of another role: dbconn's own, which a cancel does nothing to. */
  signals: z.boolean(),
  /** A full server lets it in. */
  reserved: z.boolean(),
});
export type RoleRights = Readonly<z.infer<typeof RoleRights>>;

/** One address of the configuration, tried by a login of its own. */
export type RoleTrial = { readonly setting: RoleSetting } & (
  | { readonly ok: true; readonly rights: RoleRights }
  | { readonly ok: false; readonly error: ReachError }
);

/** Every role dbconn has for a target. */
export interface Roles {
  /** Logs in with each, one after the other, and changes nothing. Never throws. Bounded by 3 s. */
  tryLogins(): Promise<readonly RoleTrial[]>;
}

/** The applications' connection pools of one target. */
export interface Pools {
  readPools(): Promise<Part<readonly PoolEndpointSnapshot[]>>;
}

/** Which database of which server answered, as of the last snapshot that told. */
export const ServerIdentity = z.object({
  /** What initdb gave the cluster, and its standbys and copies have too; null where the role may not read it. */
  systemIdentifier: z.string().nullable(),
  /** When its postmaster started, UTC with microseconds: copies and standbys differ in it. */
  startedAt: z.string(),
  database: z.string(),
});
export type ServerIdentity = Readonly<z.infer<typeof ServerIdentity>>;

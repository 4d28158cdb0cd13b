/** What the runbook knows of a target from its configuration. No address, no password: those stay with the adapters. */
export interface Target {
  readonly name: string;
  readonly services: readonly ServiceConfig[];
  /** The compose service that runs PostgreSQL, when it runs in a container at all. */
  readonly postgresService?: string;
  /** Roles the application logs in with although they are superusers, as the official image makes them. */
  readonly applicationRoles: readonly string[];
  /** Services that are never restarted: what dbconn runs on. */
  readonly neverRestart?: readonly string[];
  /** Applications whose sessions are never ended, by application_name: migrations, pg_dump. */
  readonly protectedApplications: readonly string[];
  /** Roles dbconn logs in with, on every replica: a session is its own by role and name, not by its name alone. */
  readonly ownRoles?: readonly string[];
  /** Whether a role of its own is configured for ending sessions. Unknown where nobody said. */
  readonly canAct?: boolean;
  /** Whether the project's `.env` can be reached to resize a pool. Unknown where nobody said. */
  readonly canResize?: boolean;
  readonly limits: Limits;
  readonly links: Links;
  readonly contacts: Contacts;
  /** An alert with all labels of one of these is about this target. */
  readonly alertLabels?: readonly Readonly<Record<string, string>>[];
  /** The compose project around it: alerts name it. */
  readonly composeProject?: string;
  /** How it is run, where somebody said so. */
  readonly runtime?: RuntimeConfig;
}

export const runtimes = [
  'compose',
  'kubernetes',
  'systemd',
  'rds',
  'cloudsql',
  'azure',
  'other',
] as const;
type Runtime = (typeof runtimes)[number];

/** How a target is run, and what its server is called there: for the commands that a person runs. */
interface RuntimeConfig {
  readonly kind: Runtime;
  /** The DB instance, the Cloud SQL instance, the Azure server, the StatefulSet or the systemd unit. */
  readonly server?: string;
  /** Of Kubernetes. */
  readonly namespace?: string;
  /** Of RDS. */
  readonly parameterGroup?: string;
  /** Of Azure. */
  readonly resourceGroup?: string;
}

export interface ServiceConfig {
  /** The compose service's name. */
  readonly name: string;
  /** Its sessions' application_name, when it differs from the service's name. */
  readonly application?: string;
  /** Processes per replica, each with a pool of its own (gunicorn workers). */
  readonly workers: number;
  /** Pool numbers for services whose environment and metrics do not show them. */
  readonly poolSize?: number;
  readonly maxOverflow?: number;
  /** What its containers' environment calls the pool's settings, where those are not the usual names. */
  readonly variables?: PoolVariables;
}

/** Names of variables; what is absent has none. Without `overflow` the size is all that the pool may open. */
export type PoolVariables = Readonly<
  Partial<Record<'size' | 'overflow' | 'timeout' | 'recycle' | 'prePing', string>>
>;

/** Thresholds. The defaults are the runbook's; every duration is in milliseconds. */
export interface Limits {
  /** Share of the usable slots, 0-1. */
  readonly warningUtilisation: number;
  readonly criticalUtilisation: number;
  /** Critical below this many free slots, or below 10 % of the usable ones if that is fewer. */
  readonly criticalFreeSlots: number;
  readonly idleInTransactionWarningMs: number;
  readonly terminateIdleInTransactionMs: number;
  readonly terminateIdleMs: number;
  /** An active query this old counts as slow. */
  readonly slowQueryMs: number;
  /** A lock wait this old counts as contention. */
  readonly lockWaitMs: number;
  readonly poolUtilisation: number;
}

/** A pool at work leaves a connection alone for less, even where thresholds are set to seconds. */
const leastLingeringMs = 1_000;

/** Idle longer than this in a transaction is lingering, idle longer outside of one is not in use. Milliseconds. */
export function lingeringMs({
  idleInTransactionWarningMs: oldMs,
}: Pick<Limits, 'idleInTransactionWarningMs'>): number {
  return Math.min(oldMs, Math.max(leastLingeringMs, Math.round(oldMs / 10)));
}

export const defaultLimits: Limits = {
  warningUtilisation: 0.8,
  criticalUtilisation: 0.9,
  criticalFreeSlots: 5,
  idleInTransactionWarningMs: 5 * 60_000,
  terminateIdleInTransactionMs: 10 * 60_000,
  terminateIdleMs: 30 * 60_000,
  slowQueryMs: 60_000,
  lockWaitMs: 10_000,
  poolUtilisation: 0.9,
};

export interface Links {
  readonly dashboard?: string;
  /** LogQL, as the runbook gives it: `{container="backend"} |= "connection"`. */
  readonly logQuery?: string;
  /** Where that query can be opened. */
  readonly logs?: string;
  readonly guides: readonly { readonly title: string; readonly url: string }[];
}

/** Slack ids: a person `U…`, a group `S…`, a channel `C…`. */
export interface Contacts {
  readonly databaseAdmins?: string;
  readonly backendLead?: string;
  readonly onCall?: string;
}

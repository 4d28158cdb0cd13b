import { z } from 'zod';

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
  /** Present where its containers run on a Docker engine of its own, with the name the docker command has for that. */
  readonly engine?: { readonly context: string | null };
  /** How it is run, where somebody said so. */
  readonly runtime?: RuntimeConfig;
}

const runtimes = ['compose', 'kubernetes', 'systemd', 'rds', 'cloudsql', 'azure', 'other'] as const;

/** Part of a command that a person copies into a shell, where a leading dash would be an option. */
const commandName = z
  .string()
  .regex(/^[\w.@:/][\w.@:/-]{0,199}$/, 'is a name of letters, digits, dots, dashes and slashes');

/** How a target is run, and what its server is called there: for the commands that a person runs. */
export const RuntimeConfig = z.strictObject({
  kind: z.enum(runtimes, `is one of ${runtimes.join(', ')}`),
  /** The DB instance, the Cloud SQL instance, the Azure server, the StatefulSet or the systemd unit. */
  server: commandName.exactOptional(),
  /** Of Kubernetes. */
  namespace: commandName.exactOptional(),
  /** Of RDS. */
  parameterGroup: commandName.exactOptional(),
  /** Of Azure. */
  resourceGroup: commandName.exactOptional(),
});
type RuntimeConfig = Readonly<z.infer<typeof RuntimeConfig>>;

/** Also part of a pattern that finds its line in a `.env`. */
const variable = z.string().regex(/^[A-Za-z_]\w{0,99}$/, 'is the name of a variable');

/** Names of variables; what is absent has none. Without `overflow` the size is all that the pool may open. */
const PoolVariables = z.strictObject({
  size: variable.exactOptional(),
  overflow: variable.exactOptional(),
  timeout: variable.exactOptional(),
  recycle: variable.exactOptional(),
  prePing: variable.exactOptional(),
});
export type PoolVariables = Readonly<z.infer<typeof PoolVariables>>;

export const ServiceConfig = z.strictObject({
  /** The compose service's name. */
  name: z.string().min(1),
  /** Its sessions' application_name, when it differs from the service's name. */
  application: z.string().min(1).exactOptional(),
  /** Processes per replica, each with a pool of its own (gunicorn workers). */
  workers: z.number().int().min(1).default(1),
  /** Pool numbers for services whose environment and metrics do not show them. */
  poolSize: z.number().int().min(0).exactOptional(),
  maxOverflow: z.number().int().min(-1).exactOptional(),
  /** What its containers' environment calls the pool's settings, where those are not the usual names. */
  variables: PoolVariables.exactOptional(),
});
export type ServiceConfig = Readonly<z.infer<typeof ServiceConfig>>;

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

export const httpUrl = z.custom<string>(
  (value) => typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value),
  'is not an http:// or https:// address',
);

export const Links = z.strictObject({
  dashboard: httpUrl.exactOptional(),
  /** LogQL, as the runbook gives it: `{container="backend"} |= "connection"`. */
  logQuery: z.string().max(500).exactOptional(),
  /** Where that query can be opened. */
  logs: httpUrl.exactOptional(),
  guides: z
    .array(z.strictObject({ title: z.string().min(1).max(100), url: httpUrl }))
    .max(10)
    .default([]),
});
export type Links = Readonly<z.infer<typeof Links>>;

/** An id of Slack's that begins with one of the letters: a person `U…`, a group `S…`, a channel `C…`. */
export function slackId(letters: string, what: string): z.ZodString {
  return z.string().regex(new RegExp(`^[${letters}][A-Z0-9]{2,20}$`), `is not the id of ${what}`);
}

export const Contacts = z.strictObject({
  databaseAdmins: slackId('SU', 'a user group or a person').exactOptional(),
  backendLead: slackId('UW', 'a person').exactOptional(),
  onCall: slackId('SUW', 'a user group or a person').exactOptional(),
});
export type Contacts = Readonly<z.infer<typeof Contacts>>;

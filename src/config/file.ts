import { z } from 'zod';
import { Contacts, Links, ServiceConfig, httpUrl, slackId } from '../runbook/snapshot/target.ts';
import { readPostgresUrl } from './addresses.ts';
import {
  Alerts,
  BreakGlassRule,
  EngineEntry,
  HeartbeatEntry,
  IncidentsEntry,
  LogsEntry,
  PagerEntry,
  Rule,
  RuntimeEntry,
  Steps,
  TerminalUsers,
  duration,
  expiry,
} from './entries.ts';

/** dbconn.yml. `docs/dbconn.example.yml` shows every key. */

const share = z.number().min(0, 'is a share from 0 to 1').max(1, 'is a share from 0 to 1');

const postgresUrl = z.string('is not a postgres:// address').transform((text, context) => {
  const read = readPostgresUrl(text);
  if (read.ok) return read.url;
  context.addIssue({ code: 'custom', message: read.why });
  return z.NEVER;
});

const Database = z.strictObject({
  /** A role with pg_monitor; never a superuser. */
  url: postgresUrl,
  /** A role with pg_use_reserved_connections (PostgreSQL 16+), when `url` has not that privilege itself. */
  reservedUrl: postgresUrl.exactOptional(),
  /** A superuser, for the moment when the reserve is all that is left. Only ever reads. */
  rescueUrl: postgresUrl.exactOptional(),
  /** A role with pg_signal_backend, for options A and D. */
  actingUrl: postgresUrl.exactOptional(),
  /** Slots that a managed provider keeps for itself. */
  providerReserved: z.number().int().min(0).default(0),
  /** The last rung: psql as this user over the socket inside the postgres container. Off unless given. */
  execUser: z.string().min(1).exactOptional(),
});

const PoolEndpoint = z.strictObject({
  service: z.string().min(1),
  url: httpUrl,
  headers: z.record(z.string(), z.string()).exactOptional(),
  preset: z.string().exactOptional(),
  names: z.record(z.string(), z.string()).exactOptional(),
  poolSize: z.number().int().min(0).exactOptional(),
  maxOverflow: z.number().int().min(-1).exactOptional(),
});

const Limits = z.strictObject({
  warningUtilisation: share.exactOptional(),
  criticalUtilisation: share.exactOptional(),
  criticalFreeSlots: z.number().int().min(0).exactOptional(),
  idleInTransactionWarning: duration.exactOptional(),
  terminateIdleInTransaction: duration.exactOptional(),
  terminateIdle: duration.exactOptional(),
  slowQuery: duration.exactOptional(),
  lockWait: duration.exactOptional(),
  poolUtilisation: share.exactOptional(),
});

const PoolerEntry = z.strictObject({
  url: postgresUrl,
  /** How cards and reports call it. */
  name: z.string().min(1).max(60).exactOptional(),
  /** PgBouncers with these settings behind this one address: what each may open counts so often. */
  replicas: z.number().int().min(1).max(1000).default(1),
});

/** One console needs no name; of several each has one, by default its host and port, which are no secret. */
const Poolers = z
  .preprocess(
    (given): unknown => (Array.isArray(given) ? given : [given]),
    z.array(PoolerEntry).min(1).max(20),
  )
  .transform((consoles) =>
    consoles.map(({ url, name, replicas }) => {
      const byAddress = consoles.length === 1 ? 'PgBouncer' : `PgBouncer ${new URL(url).host}`;
      return { url, replicas, name: name ?? byAddress };
    }),
  )
  .refine((consoles) => new Set(consoles.map(({ name }) => name)).size === consoles.length, {
    message: 'names two poolers alike: give each a name of its own',
  });

export const TargetEntry = z.strictObject({
  name: z.string().regex(/^[\w.-]{1,60}$/, 'is a name of letters, digits, dots and dashes'),
  database: Database,
  services: z.array(ServiceConfig).max(50).default([]),
  compose: z
    .strictObject({
      project: z.string().min(1),
      /** The engine its containers run on; DOCKER_HOST's unless given. */
      docker: EngineEntry.exactOptional(),
      postgres: z.string().min(1).exactOptional(),
      /** Where the project's `.env` is, as dbconn sees it. Without it option E only says what to write. */
      directory: z.string().min(1).exactOptional(),
      /** The file in it that Compose reads. */
      envFile: z.string().min(1).exactOptional(),
      /** Services neither restarted nor recreated: what dbconn itself stands on. */
      neverRestart: z.array(z.string().min(1)).default(['dbconn', 'docker-socket-proxy']),
    })
    .exactOptional(),
  /** How it is run, for the commands of what dbconn cannot do itself. */
  runtime: RuntimeEntry.exactOptional(),
  pools: z.array(PoolEndpoint).max(50).default([]),
  logs: LogsEntry.default({ tail: 200 }),
  applicationRoles: z.array(z.string().min(1)).default([]),
  protectedApplications: z.array(z.string().min(1)).default(['pg_dump', 'migrations']),
  limits: Limits.default({}),
  links: Links.default({ guides: [] }),
  contacts: Contacts.default({}),
  /** An alert that carries all labels of one of these is about this target. */
  alertLabels: z
    .array(z.record(z.string().min(1), z.string()))
    .max(20)
    .default([]),
  /** Instead of the file's own. */
  escalation: Steps.exactOptional(),
  /** Instead of the file's own. */
  pager: PagerEntry.exactOptional(),
  /** The admin consoles of the PgBouncers in front of PostgreSQL. */
  pgbouncer: Poolers.exactOptional(),
});
export type TargetEntry = z.infer<typeof TargetEntry>;

const Approval = z.strictObject({
  A: Rule.exactOptional(),
  B: Rule.exactOptional(),
  C: Rule.exactOptional(),
  D: Rule.exactOptional(),
  E: Rule.exactOptional(),
  /** The rollback of a prepared transaction. */
  prepared: Rule.exactOptional(),
  prevention: Rule.exactOptional(),
  expiry: expiry.exactOptional(),
  /** Between a change and the snapshot that tells whether it helped. */
  verifyAfter: duration.exactOptional(),
  /** Below this share of the approved targets it asks again. */
  leastLeft: share.exactOptional(),
  /** An installation that only reads. */
  readOnly: z.boolean().default(false),
  /** Read again at every decision, so that nothing has to be restarted. */
  stopped: z.boolean().default(false),
  /** While it exists, nothing runs. */
  stopFile: z.string().min(1).exactOptional(),
  /** Who the operating system's users are in Slack, so that nobody approves their own proposal. */
  terminalUsers: TerminalUsers.default({}),
  breakGlass: BreakGlassRule.default({ users: [], terminal: [], actions: [] }),
});

function isOn({ users, terminal, actions }: z.infer<typeof BreakGlassRule>): boolean {
  return users.length + terminal.length > 0 && actions.length > 0;
}

/** Option E would write the file of one machine for the containers of another. */
function isDirectoryShared(targets: readonly TargetEntry[]): boolean {
  const known = targets.flatMap(({ compose }) =>
    compose?.directory === undefined ? [] : [compose],
  );
  return known.some((one) =>
    known.some((other) => other.directory === one.directory && engineOf(other) !== engineOf(one)),
  );
}

/** Two targets with the same are on one engine. Two writings of one address are taken for two. */
export function engineOf({ docker }: NonNullable<TargetEntry['compose']>): string {
  return JSON.stringify(docker ?? null);
}

export const ConfigFile = z
  .strictObject({
    slack: z.strictObject({ channel: slackId('CG', 'a channel').exactOptional() }).exactOptional(),
    targets: z.array(TargetEntry).min(1, 'names no target').max(500),
    approval: Approval.prefault({}),
    alerts: Alerts.prefault({}),
    incidents: IncidentsEntry.prefault({}),
    escalation: Steps.exactOptional(),
    pager: PagerEntry.default({}),
    heartbeat: HeartbeatEntry.exactOptional(),
    journal: z.string().min(1).exactOptional(),
  })
  .refine(({ targets }) => new Set(targets.map(({ name }) => name)).size === targets.length, {
    message: 'two targets have the same name',
    path: ['targets'],
  })
  .refine(({ targets }) => !isDirectoryShared(targets), {
    message:
      'two targets on different Docker engines have one compose.directory, which belongs to one of them',
    path: ['targets'],
  })
  .refine(({ approval: { breakGlass }, slack }) => !isOn(breakGlass) || slack?.channel, {
    message: 'needs slack.channel: break-glass approvals are announced there',
    path: ['approval', 'breakGlass'],
  });
export type ConfigFile = z.infer<typeof ConfigFile>;

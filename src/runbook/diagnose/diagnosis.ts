import { z } from 'zod';
import { Change, PoolReading } from '../snapshot/readings.ts';
import {
  ReachErrorKind,
  Rung,
  SessionReading,
  SourceReading,
  WaiterReading,
} from '../snapshot/snapshot.ts';
import { Pooler } from './diagnosis-parts.ts';

/**
 * All conclusions of one moment, drawn from one Snapshot. Slack, the terminal, `--json`, the report and
 * the tests read this same value and compute nothing themselves. `docs/json.md` describes it for machines.
 */

export const CauseName = z.enum([
  'connection-leak',
  'slow-queries',
  'uncommitted-transactions',
  'application-scaling',
  'pool-misconfiguration',
  'lock-contention',
]);
export type CauseName = z.infer<typeof CauseName>;

export const Severity = z.enum(['info', 'warning', 'critical']);
export type Severity = z.infer<typeof Severity>;

export const Finding = z.object({
  /** Stable, kebab-case: `capacity-critical`, `docker-forbidden`. */
  id: z.string(),
  severity: Severity,
  /** One sentence built from figures and configured names; no text out of the database. */
  summary: z.string(),
  /** The figure behind it, with its unit in words. */
  figure: z
    .object({ value: z.number(), unit: z.string(), limit: z.number().optional() })
    .optional(),
  /** More sentences; may hold untrusted text, so only render where nothing is interpreted. */
  evidence: z.array(z.string()),
  /** What to do next, such as the GRANT to run. */
  fix: z.string().optional(),
});
export type Finding = z.infer<typeof Finding>;

export const Capacity = z.object({
  maxConnections: z.number().int(),
  /** Slots an ordinary role cannot have: superuser, reserved and the provider's. */
  reserved: z.number().int(),
  usable: z.number().int(),
  /** Client backends, dbconn's own and superusers' included. */
  used: z.number().int(),
  /** Never below 0. */
  free: z.number().int(),
  /** used / usable, 0-1 and above when superusers eat the reserve. */
  utilisation: z.number(),
  byState: z.object({
    active: z.number().int(),
    idle: z.number().int(),
    idleInTransaction: z.number().int(),
    idleInTransactionAborted: z.number().int(),
    starting: z.number().int(),
    other: z.number().int(),
  }),
  /** Slots held by clients that have not finished logging in, where they can be told. */
  unauthenticated: z.number().int().nullable(),
  /** Not in max_connections. */
  apart: z.object({
    walsenders: z.number().int(),
    parallelWorkers: z.number().int(),
    autovacuumWorkers: z.number().int(),
  }),
});
export type Capacity = z.infer<typeof Capacity>;

/** How many sessions, and in which states. */
const sessionCounts = {
  total: true,
  active: true,
  idle: true,
  idleInTransaction: true,
  idleInTransactionAborted: true,
} as const;

export const Source = SourceReading.pick({
  user: true,
  application: true,
  client: true,
  database: true,
  ...sessionCounts,
}).extend({
  /** The compose service its address or application name belongs to. */
  service: z.string().nullable(),
  /**
   * `own`: dbconn's. `person`: a console such as psql. `pooler`: a pooler's, whatever name its clients gave it. None of
   * them is an application with a pool.
   */
  kind: z.enum(['application', 'person', 'pooler', 'own']),
  /** Which pooler, where `kind` says so. */
  pooler: z.string().exactOptional(),
});
export type Source = z.infer<typeof Source>;

/** The sources of one service, or of one application that belongs to none, taken together. */
export const Holder = Source.pick({
  service: true,
  ...sessionCounts,
}).extend({
  /** The service's name; else what its application_names have in common, else role and address. Untrusted unless it is a service's. */
  name: z.string(),
  /** Distinct client addresses. */
  clients: z.number().int(),
});
export type Holder = z.infer<typeof Holder>;

export const Session = SessionReading.omit({
  backendType: true,
  stateChangedAt: true,
  transactionStartedAt: true,
  waitEvent: true,
  replication: true,
  own: true,
  canSignal: true,
});
export type Session = z.infer<typeof Session>;

export const Waiter = WaiterReading.omit({ waitsForTotal: true, prepared: true });
export type Waiter = z.infer<typeof Waiter>;

export const Root = z.union([
  z.object({ pid: z.number().int(), victims: z.number().int() }),
  z.object({ prepared: z.string(), victims: z.number().int() }),
]);
export type Root = z.infer<typeof Root>;

export const Blocking = z.object({
  /** Complete up to 1,000, oldest wait first. */
  waiters: z.array(Waiter),
  waitersTotal: z.number().int(),
  truncated: z.boolean(),
  /** Blockers that do not wait themselves, most victims first. */
  roots: z.array(Root),
  /** Each a ring of pids that wait for one another: a deadlock PostgreSQL has not resolved yet. */
  cycles: z.array(z.array(z.number().int())),
});
export type Blocking = z.infer<typeof Blocking>;

export const Pool = PoolReading.omit({ checkedIn: true, overflow: true, timeouts: true });
export type Pool = z.infer<typeof Pool>;

export const LogSummary = z.object({
  service: z.string(),
  container: z.string(),
  linesRead: z.number().int(),
  classes: z.array(
    z.object({
      class: z.string(),
      count: z.number().int(),
      lastAt: z.string().nullable(),
      example: z.string(),
    }),
  ),
});
export type LogSummary = z.infer<typeof LogSummary>;

export const BudgetLine = z.object({
  service: z.string(),
  replicas: z.number().int(),
  workers: z.number().int(),
  /** Of the largest process, where its replicas differ. */
  poolSize: z.number().int().nullable(),
  maxOverflow: z.number().int().nullable(),
  /** Only where its replicas do not agree: what how many of them have. */
  mixed: z
    .array(
      z.object({
        replicas: z.number().int(),
        poolSize: z.number().int().nullable(),
        maxOverflow: z.number().int().nullable(),
        mayOpen: z.union([z.number().int(), z.literal('unlimited')]).nullable(),
      }),
    )
    .exactOptional(),
  /** The sum over its replicas of workers x (size + overflow); null when a number is not known, `unlimited` without a ceiling. */
  mayOpen: z.union([z.number().int(), z.literal('unlimited')]).nullable(),
  holds: z.number().int().nullable(),
});
export const Budget = z.object({
  lines: z.array(BudgetLine),
  usable: z.number().int().nullable(),
  /** What each pooler may open, its replicas together, and its connections now; absent where none is configured. */
  poolers: z
    .array(
      z.object({
        name: z.string(),
        replicas: z.number().int(),
        mayOpen: z.union([z.number().int(), z.literal('unlimited')]),
        holds: z.number().int(),
      }),
    )
    .exactOptional(),
  /** Sessions now of everything that is no configured service, poolers' and dbconn's own included. */
  others: z.number().int().nullable(),
  /** What all services and poolers may open together plus the others; null when a line is not known. */
  mayOpen: z.union([z.number().int(), z.literal('unlimited')]).nullable(),
  canExhaust: z.boolean().nullable(),
});
export type Budget = z.infer<typeof Budget>;

export const Forecast = z.object({
  /** Growth of used slots; null with `reason` when there is not enough data. */
  connectionsPerMinute: z.number().nullable(),
  minutesUntilFull: z.number().nullable(),
  /** Which data it rests on. */
  basis: z.enum(['recent-looks', 'connection-starts', 'none']),
  reason: z.string(),
});
export type Forecast = z.infer<typeof Forecast>;

/** Sessions idle in transaction that ran the same statement last. */
export const LeakSuspect = z.object({
  application: z.string(),
  fingerprint: z.string().nullable(),
  query: z.string().nullable(),
  sessions: z.number().int(),
  oldestSeconds: z.number(),
  hasWritten: z.number().int(),
});
export type LeakSuspect = z.infer<typeof LeakSuspect>;

export const Cause = z.object({
  cause: CauseName,
  /** 0-1. */
  confidence: z.number(),
  /** One sentence, from figures and configured names. */
  summary: z.string(),
  because: z.array(z.string()),
  against: z.array(z.string()),
});
export type Cause = z.infer<typeof Cause>;

export const OptionLetter = z.enum(['A', 'B', 'C', 'D', 'E']);
export type OptionLetter = z.infer<typeof OptionLetter>;

/** What can be proposed: the runbook's options, and its prevention where only that helps. */
export const ProposedOption = z.enum([...OptionLetter.options, 'prevention']);
export type ProposedOption = z.infer<typeof ProposedOption>;

export const Proposal = z.object({
  option: ProposedOption,
  /** The compose service or application it is about, when it is about one. */
  subject: z.string().nullable(),
  summary: z.string(),
  slotsFreed: z.number().int().nullable(),
  /** Why dbconn cannot do it from here, and what would allow it. With a `command` a person can, by its plan. */
  blocked: z.string().nullable(),
  /** What to type after /dbconn to propose it, where it can be proposed at all. */
  command: z.string().exactOptional(),
});
export type Proposal = z.infer<typeof Proposal>;

export const Diagnosis = z.object({
  target: z.string(),
  takenAt: z.string(),
  tookMs: z.number(),
  /** `unknown` when it cannot be judged: no access, or not enough privilege. */
  state: z.enum(['fine', 'warning', 'critical', 'unknown']),
  /** `94 of 97 usable connections, full in about 4 minutes.` Figures and configured names only. */
  headline: z.string(),
  /** The likeliest cause in a sentence, or that none fits. Figures and configured names only. */
  verdict: z.string(),
  reach: z.object({
    via: Rung,
    error: z
      .object({
        kind: ReachErrorKind,
        summary: z.string(),
        fix: z.string(),
      })
      .optional(),
    rungs: z.array(z.object({ rung: z.string(), outcome: z.string() })),
  }),
  server: z
    .object({ version: z.string(), startedAt: z.string(), inRecovery: z.boolean() })
    .nullable(),
  /** Null when no rung answered. */
  capacity: Capacity.nullable(),
  /** Who holds the connections, largest first. */
  holders: z.array(Holder),
  /** The same by user, application, client and database, at most 40. */
  sources: z.array(Source),
  sourcesTotal: z.number().int(),
  truncated: z.boolean(),
  sessions: z.array(Session),
  blocking: Blocking,
  /** As pg_stat_database has counted, over all databases; null when no rung answered. */
  deadlocks: z.number().int().nullable(),
  pools: z.array(Pool),
  /** Absent where no pooler is configured. */
  poolers: z.array(Pooler).exactOptional(),
  logs: z.array(LogSummary),
  budget: Budget,
  forecast: Forecast,
  leakSuspects: z.array(LeakSuspect),
  /** What the checks of the last hour saw change around it, oldest first; absent when nothing did. */
  changes: z.array(Change).exactOptional(),
  findings: z.array(Finding),
  causes: z.array(Cause),
  proposals: z.array(Proposal),
  /** Used and usable of the recent checks, oldest first, for the chart. */
  history: z.array(z.object({ at: z.string(), used: z.number().int(), usable: z.number().int() })),
  /** How long each part took, milliseconds. */
  timings: z.object({
    database: z.number(),
    pools: z.number(),
    logs: z.number(),
    services: z.number(),
    poolers: z.number().exactOptional(),
  }),
});
export type Diagnosis = z.infer<typeof Diagnosis>;

import type { Reach, Snapshot } from '../snapshot/snapshot.ts';
import { findCauses } from './causes.ts';
import type { Cause, Diagnosis, Finding, Proposal, Severity } from './diagnosis.ts';
import { gatherEvidence } from './evidence.ts';
import type { DiagnoseInput, Evidence } from './evidence.ts';
import { findAbandonedIn, findStrangersIn } from './findings/abandoned.ts';
import { findInCapacity, findInSettings } from './findings/capacity.ts';
import { findInLocks, findInWaits } from './findings/locks.ts';
import { findInLogins, findInRhythm } from './findings/logins.ts';
import { findInLogs } from './findings/logs.ts';
import { findInPoolers } from './findings/poolers.ts';
import { findInBudget, findInPoolSettings, findInPools } from './findings/pools.ts';
import { findInReach, isVisible } from './findings/reach.ts';
import { findInDeploys, findInServices } from './findings/services.ts';
import { findInSessions, findSlowerThanUsual } from './findings/sessions.ts';
import { writeHeadline, writeVerdict } from './headline.ts';
import { toPoolers } from './poolers.ts';
import { proposeTerminate } from './proposals/a-terminate-idle.ts';
import { proposeRaise } from './proposals/b-raise-max-connections.ts';
import { proposeRestart } from './proposals/c-restart-service.ts';
import { proposeStop } from './proposals/d-stop-blockers.ts';
import { proposeResize } from './proposals/e-resize-pool.ts';
import { toCommand } from './proposals/proposal.ts';
import type { ProposalInput, ScoredProposal } from './proposals/proposal.ts';
import { toHolders } from './sources.ts';
import { pressureOf, toSessions } from './summarise.ts';

const bySeverity: Record<Severity, number> = { critical: 0, warning: 1, info: 2 };

/** Everything worth saying about this moment, the worst first; within a severity in the runbook's order. */
export function findAll(evidence: Evidence): Finding[] {
  return [
    findInReach,
    findInCapacity,
    findInSessions,
    findInLogins,
    findInWaits,
    findSlowerThanUsual,
    findInLocks,
    findInPoolers,
    findInPools,
    findInLogs,
    findInServices,
    findInDeploys,
    findStrangersIn,
    findAbandonedIn,
    findInRhythm,
    findInBudget,
    findInSettings,
    findInPoolSettings,
  ]
    .flatMap((find) => find(evidence))
    .toSorted((a, b) => bySeverity[a.severity] - bySeverity[b.severity]);
}

interface Remark {
  readonly finding: string;
  readonly sentence: string;
  /** Whether that proposal is about what the finding found. */
  readonly fits: (proposal: Proposal, evidence: Evidence) => boolean;
}

const beginsWith =
  (start: string) =>
  ({ command }: Proposal): boolean =>
    command === start || command?.startsWith(`${start} `) === true;

/** Not of one application: the person who presses chooses whose. */
const isAnyIdle = ({ option, command }: Proposal): boolean =>
  option === 'A' && command === undefined;

const remarks: readonly Remark[] = [
  {
    finding: 'idle-in-transaction',
    sentence: 'Option A ends the oldest.',
    fits: ({ command }) => command === 'propose A',
  },
  { finding: 'terminate-candidates', sentence: 'Option A ends them.', fits: isTermination },
  {
    finding: 'lock-waits',
    sentence: 'Option D stops the blocker.',
    fits: ({ command }) => command === 'propose D',
  },
  {
    finding: 'abandoned-clients',
    sentence: 'Option A ends the current ones.',
    fits: ({ command }, { abandoned, target }) => {
      const service = target.services.find(({ name }) => name === abandoned?.service);
      if (service === undefined) return false;
      return command === toCommand('A', service.application ?? service.name);
    },
  },
  {
    finding: 'strangers',
    sentence: '/dbconn propose prevention connection-limit does it.',
    fits: beginsWith('propose prevention connection-limit'),
  },
  { finding: 'strangers', sentence: 'Option A ends the idle ones.', fits: isAnyIdle },
  {
    finding: 'budget-can-exhaust',
    sentence: 'Option E makes the largest smaller.',
    fits: beginsWith('propose E'),
  },
];

function isTermination(proposal: Proposal): boolean {
  return beginsWith('propose A')(proposal) || isAnyIdle(proposal);
}

/** Adds to what to do about a finding the option that does it, but only where that is proposed for the same look. */
function nameOptions(
  findings: readonly Finding[],
  proposals: readonly Proposal[],
  evidence: Evidence,
): Finding[] {
  return findings.map((finding) => {
    const sentences = remarks
      .filter(
        ({ finding: id, fits }) =>
          id === finding.id && proposals.some((one) => fits(one, evidence)),
      )
      .map(({ sentence }) => sentence);
    return sentences.length === 0
      ? finding
      : { ...finding, fix: [finding.fix ?? '', ...sentences].join(' ').trim() };
  });
}

/** A limit for the role of strangers that hold most of the slots; a service that is squeezed out is never touched. */
function proposeLimit({ evidence: { strangers, target }, short }: ProposalInput): ScoredProposal[] {
  const limit = strangers?.limit;
  if (limit === undefined || !short) return [];
  const blocked =
    target.canAct === false
      ? 'dbconn has no role that may change roles. Run ALTER ROLE … CONNECTION LIMIT by hand as a superuser.'
      : null;
  const command = toCommand('prevention', 'connection-limit', 'for', limit.role, String(limit.to));
  return [
    {
      regret: 1,
      proposal: {
        option: 'prevention',
        subject: limit.role,
        summary: `Limit the role that holds ${limit.holds} connections to ${limit.to}; existing sessions stay until they end.`,
        slotsFreed: null,
        blocked,
        ...(command !== undefined && { command }),
      },
    },
  ];
}

/**
 * The runbook's options that would help now, in the order of least regret: cancelling a queued statement costs
 * its owner a retry, ending a forgotten transaction costs nobody anything or an uncommitted write, a restart costs
 * every request in flight, and raising max_connections costs everybody their connection. Idle sessions are ended before
 * anything is restarted, except where a service leaks them: its pool still counts on each.
 */
function propose(
  evidence: Evidence,
  {
    causes,
    findings,
  }: { readonly causes: readonly Cause[]; readonly findings: readonly Finding[] },
): Proposal[] {
  const { reading, capacity, target, snapshot } = evidence;
  if (reading !== undefined && !isVisible(reading)) return [];
  const pressure = pressureOf(capacity, target.limits);
  const { error } = snapshot.database.reach;
  const refused = error?.kind === 'full' && error.scope !== 'role';
  const now: ProposalInput = {
    evidence,
    causes,
    findings,
    short: pressure !== 'none' || refused,
    critical: pressure === 'critical' || refused,
    has: (name) => causes.some(({ cause }) => cause === name),
  };
  return [proposeTerminate, proposeRaise, proposeRestart, proposeStop, proposeResize, proposeLimit]
    .flatMap((option) => option(now))
    .toSorted((a, b) => a.regret - b.regret)
    .map(({ proposal }) => proposal);
}

/**
 * Everything that follows from one Snapshot. Pure: the same look, target and recent looks give the same
 * Diagnosis, and nothing that renders it computes a figure of its own.
 */
export function diagnose(input: DiagnoseInput): Diagnosis {
  const evidence = gatherEvidence(input);
  const { snapshot, reading } = evidence;
  const findings = findAll(evidence);
  const causes = findCauses(evidence, findings);
  const state = judge(evidence, findings, causes);
  const proposals = propose(evidence, { causes, findings });
  return {
    target: evidence.target.name,
    takenAt: snapshot.takenAt,
    tookMs: snapshot.tookMs,
    state,
    headline: writeHeadline(evidence, findings),
    verdict: writeVerdict({ state, causes, findings }, evidence),
    reach: toReach(snapshot.database.reach),
    server: reading === undefined ? null : toServer(reading),
    capacity: evidence.capacity,
    // Process titles tell who is there but not in which state; zeros would be a lie.
    holders: reading === undefined ? [] : toHolders(evidence.sources),
    sources: reading === undefined ? [] : [...evidence.sources],
    sourcesTotal: reading?.sourcesTotal ?? 0,
    truncated:
      reading !== undefined &&
      (reading.sessionsTruncated || reading.sourcesTotal > reading.sources.length),
    sessions: toSessions(reading?.sessions ?? []),
    blocking: evidence.blocking,
    deadlocks: reading?.deadlocks ?? null,
    pools: [...evidence.pools],
    ...(snapshot.poolers !== undefined && { poolers: toPoolers(evidence.poolers) }),
    logs: [...evidence.logs],
    budget: evidence.budget,
    forecast: evidence.forecast,
    leakSuspects: [...evidence.leakSuspects],
    ...(snapshot.changes !== undefined && { changes: [...snapshot.changes] }),
    findings: nameOptions(findings, proposals, evidence),
    causes,
    proposals,
    history: evidence.history.map(({ at, used, usable }) => ({ at, used, usable })),
    timings: toTimings(snapshot),
  };
}

/** The applications meet these as well; the others, and a limit of dbconn's own role, may be dbconn's trouble alone. */
const outage: ReadonlySet<string> = new Set(['full', 'frozen', 'slow', 'stopped']);

/**
 * The worst finding decides, unless too little was seen to say that it is fine. A cause that is named is a warning
 * at least: a state of "fine" beside a likely leak would hide one of the two.
 */
function judge(
  { snapshot, reading }: Evidence,
  findings: readonly Finding[],
  causes: readonly Cause[],
): Diagnosis['state'] {
  const [gravest] = findings;
  if (reading === undefined) {
    const { error } = snapshot.database.reach;
    const isOutage = error !== undefined && outage.has(error.kind) && error.scope !== 'role';
    return isOutage ? 'critical' : 'unknown';
  }
  if (gravest?.severity === 'critical') return 'critical';
  if (!isVisible(reading)) return 'unknown';
  return gravest?.severity === 'warning' || causes.length > 0 ? 'warning' : 'fine';
}

function toReach({ via, error, rungs }: Reach): Diagnosis['reach'] {
  return {
    via,
    ...(error !== undefined && {
      error: { kind: error.kind, summary: error.summary, fix: error.fix },
    }),
    rungs: rungs.map(({ rung, outcome }) => ({ rung, outcome })),
  };
}

function toServer({
  version,
  startedAt,
  inRecovery,
}: NonNullable<Evidence['reading']>): Diagnosis['server'] {
  // 180004 is 18.4: since PostgreSQL 10 a version has two parts.
  const name = `${Math.floor(version / 10_000)}.${version % 10_000}`;
  return { version: name, startedAt, inRecovery };
}

function toTimings({ database, pools, logs, services, poolers }: Snapshot): Diagnosis['timings'] {
  return {
    database: database.tookMs,
    pools: pools.tookMs,
    logs: logs.tookMs,
    services: services.tookMs,
    ...(poolers !== undefined && { poolers: poolers.tookMs }),
  };
}

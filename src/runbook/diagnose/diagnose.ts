import type { Reach, Snapshot } from '../snapshot/snapshot.ts';
import { findCauses } from './causes.ts';
import type { Cause, Diagnosis, Finding } from './diagnosis.ts';
import { gatherEvidence } from './evidence.ts';
import type { DiagnoseInput, Evidence } from './evidence.ts';
import { findAll } from './findings.ts';
import { isVisible } from './findings/reach.ts';
import { writeHeadline, writeVerdict } from './headline.ts';
import { toPoolers } from './poolers.ts';
import { nameOptions, propose } from './proposals.ts';
import { toHolders } from './sources.ts';
import { toSessions } from './summarise.ts';

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

import type { ApprovalRequest } from '../approval/request.ts';
import type { Cause, Finding } from '../diagnose/diagnosis.ts';
import { isTrouble } from '../diagnose/troubles.ts';
import type { Trouble } from '../diagnose/troubles.ts';
import { describeChange } from '../diagnose/findings/deploy.ts';
import { belongs } from '../incident/belongs.ts';
import { causeOf } from '../incident/chief-look.ts';
import type { Incident } from '../incident/incident.ts';
import type { KeptNote } from '../incident/note.ts';
import type { Target } from '../snapshot/target.ts';
import { adviseAfter } from './advice/advise-after.ts';
import { readChecks } from './read-examinations.ts';
import type { KeptCheck } from './read-examinations.ts';
import type { IncidentReport } from './report.ts';
import { findGaps } from './report/gaps.ts';
import { drawGraph, readPoints } from './report/graph.ts';
import { measurePhases } from './report/phases.ts';
import { writeTitle } from './report/title.ts';

interface ReportEvidence {
  readonly incident: Incident;
  /** All of the incident's notes, in order. */
  readonly notes: readonly KeptNote[];
  /** Those of its target from shortly before it opened. */
  readonly requests: readonly ApprovalRequest[];
  readonly target: Target;
}

/** What an incident was, from what the journal kept of it. Pure: it can be written again at any time. */
export function writeReport({ incident, notes, requests, target }: ReportEvidence): IncidentReport {
  const { checks, unreadable, trimmed } = readChecks(notes);
  const { openedAt, closing } = incident;
  const lifetime = { openedAt, until: closing?.at ?? null };
  const remedies = requests.filter((one) => belongs(one, lifetime));
  const graph = readPoints({ incident, notes, requests: remedies, checks });
  const first = untouched(checks, remedies);
  const cause = findCause(incident, first);
  const trouble = cause === null ? findTrouble(first) : null;
  const name = cause?.cause ?? causeOf(incident) ?? troubleOf(trouble);
  const { limits } = target;
  return {
    incident,
    title: writeTitle(incident, name, target),
    timeline: notes.filter(({ sentence }) => sentence !== null),
    graph: drawGraph(graph),
    cause,
    trouble,
    changes: findChanges(first),
    remedies,
    phases: measurePhases({ incident, notes, requests: remedies, graph, limits }),
    prevention: adviseAfter({
      incident,
      requests: remedies,
      target,
      checks,
      graph,
      cause: name,
    }),
    gaps: findGaps({ incident, graph, checks: checks.length, unreadable, trimmed }),
  };
}

/** Those from before the first change, where there are any: what a change left behind says nothing of the cause. */
function untouched(
  checks: readonly KeptCheck[],
  remedies: readonly ApprovalRequest[],
): readonly KeptCheck[] {
  const starts = remedies.flatMap(({ execution }) =>
    execution === null ? [] : execution.startedAt,
  );
  const [first] = starts.toSorted();
  if (first === undefined) return checks;
  const before = checks.filter(({ diagnosis }) => diagnosis.takenAt <= first);
  return before.length === 0 ? checks : before;
}

/** Each once, from the looks before dbconn changed anything itself. */
function findChanges(checks: readonly KeptCheck[]): IncidentReport['changes'] {
  const found = checks.flatMap(({ diagnosis: { changes = [] } }) => changes);
  const sentences = found.map((change) => ({ at: change.at, sentence: describeChange(change) }));
  return [...new Map(sentences.map((one) => [`${one.at} ${one.sentence}`, one])).values()].toSorted(
    (a, b) => a.at.localeCompare(b.at),
  );
}

/** The first that is none of the runbook's six, where no look found one of those. */
function findTrouble(checks: readonly KeptCheck[]): Finding | null {
  const found = checks.flatMap(({ diagnosis }) => diagnosis.findings);
  return found.find(({ id }) => isTrouble(id)) ?? null;
}

function troubleOf(finding: Finding | null): Trouble | null {
  return finding !== null && isTrouble(finding.id) ? finding.id : null;
}

/** The fullest evidence for what the incident is put down to; of equals the first, from before anything was changed. */
function findCause(incident: Incident, checks: readonly KeptCheck[]): Cause | null {
  const found = checks.flatMap(({ diagnosis }) => diagnosis.causes);
  const name = causeOf(incident);
  const fitting = found.filter(({ cause }) => cause === name);
  // The looks that found it may have been cut for the journal.
  return (fitting.length === 0 ? found : fitting).reduce<Cause | null>(
    (best, next) => (best === null || next.confidence > best.confidence ? next : best),
    null,
  );
}

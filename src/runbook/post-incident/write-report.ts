import type { Request } from '../approval/request.ts';
import type { Cause } from '../diagnose/diagnosis.ts';
import { belongs } from '../incident/belongs.ts';
import { causeOf } from '../incident/chief-look.ts';
import type { Incident } from '../incident/incident.ts';
import type { KeptNote } from '../incident/note.ts';
import type { Target } from '../target.ts';
import { adviseAfter } from './advice/advise-after.ts';
import { readExaminations } from './read-examinations.ts';
import type { KeptExamination } from './read-examinations.ts';
import type { IncidentReport } from './report.ts';
import { findGaps } from './report/gaps.ts';
import { drawGraph, readPoints } from './report/graph.ts';
import { measurePhases } from './report/phases.ts';
import { writeTitle } from './report/title.ts';

export interface ReportEvidence {
  readonly incident: Incident;
  /** All of the incident's notes, in order. */
  readonly notes: readonly KeptNote[];
  /** Those of its target from shortly before it opened. */
  readonly requests: readonly Request[];
  readonly target: Target;
}

/** What an incident was, from what the journal kept of it. Pure: it can be written again at any time. */
export function writeReport({ incident, notes, requests, target }: ReportEvidence): IncidentReport {
  const { examinations, unreadable, trimmed } = readExaminations(notes);
  const { openedAt, closing } = incident;
  const lifetime = { openedAt, until: closing?.at ?? null };
  const remedies = requests.filter((one) => belongs(one, lifetime));
  const graph = readPoints({ incident, notes, requests: remedies, examinations });
  const cause = findCause(incident, examinations);
  const { limits } = target;
  return {
    incident,
    title: writeTitle(incident, cause?.cause ?? causeOf(incident), target),
    timeline: notes.filter(({ sentence }) => sentence !== null),
    graph: drawGraph(graph),
    cause,
    remedies,
    phases: measurePhases({ incident, notes, requests: remedies, graph, limits }),
    prevention: adviseAfter({ incident, requests: remedies, target, examinations, graph }),
    gaps: findGaps({ incident, graph, examinations: examinations.length, unreadable, trimmed }),
  };
}

/** The fullest evidence for what the incident is put down to; of equals the first, from before anything was changed. */
function findCause(incident: Incident, examinations: readonly KeptExamination[]): Cause | null {
  const found = examinations.flatMap(({ diagnosis }) => diagnosis.causes);
  const name = causeOf(incident);
  const fitting = found.filter(({ cause }) => cause === name);
  // The looks that found it may have been cut for the journal.
  return (fitting.length === 0 ? found : fitting).reduce<Cause | null>(
    (best, next) => (best === null || next.confidence > best.confidence ? next : best),
    null,
  );
}

import type { Request } from '../approval/request.ts';
import type { Cause } from '../diagnose/diagnosis.ts';
import type { Incident } from '../incident/incident.ts';
import type { KeptNote } from '../incident/note.ts';
import type { Target } from '../target.ts';
import { adviseAfter } from './advice/advise-after.ts';
import { readExaminations } from './read-examinations.ts';
import type { KeptExamination } from './read-examinations.ts';
import type { IncidentReport } from './report.ts';
import { findGaps } from './report/gaps.ts';
import { drawGraph } from './report/graph.ts';
import { measurePhases } from './report/phases.ts';
import { writeTitle } from './report/title.ts';

export interface ReportEvidence {
  readonly incident: Incident;
  /** All of the incident's notes, in order. */
  readonly notes: readonly KeptNote[];
  /** Those of its target since it opened. */
  readonly requests: readonly Request[];
  readonly target: Target;
}

/** What an incident was, from what the journal kept of it. Pure: it can be written again at any time. */
export function writeReport({ incident, notes, requests, target }: ReportEvidence): IncidentReport {
  const { examinations, unreadable, trimmed } = readExaminations(notes);
  const remedies = requests.filter((one) => isDuring(incident, one));
  const graph = drawGraph({ incident, notes, requests: remedies, examinations });
  const cause = findCause(examinations);
  const { limits } = target;
  return {
    incident,
    title: writeTitle(incident, cause?.cause ?? incident.last?.cause ?? null, target),
    timeline: notes.filter(({ sentence }) => sentence !== null),
    graph,
    cause,
    remedies,
    phases: measurePhases({ incident, notes, requests: remedies, graph, limits }),
    prevention: adviseAfter({ incident, requests: remedies, target, examinations, graph }),
    gaps: findGaps({ incident, graph, examinations: examinations.length, unreadable, trimmed }),
  };
}

function isDuring({ openedAt, closing }: Incident, { proposedAt }: Request): boolean {
  const at = Date.parse(proposedAt);
  return at >= Date.parse(openedAt) && (closing === null || at <= Date.parse(closing.at));
}

/** The surest cause any look of it found; of equals the first, from before anything was changed. */
function findCause(examinations: readonly KeptExamination[]): Cause | null {
  return examinations
    .flatMap(({ diagnosis }) => diagnosis.causes)
    .reduce<Cause | null>(
      (best, next) => (best === null || next.confidence > best.confidence ? next : best),
      null,
    );
}

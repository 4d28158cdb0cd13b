import type { ApprovalRequest } from '../../approval/request.ts';
import type { Incident } from '../../incident/incident.ts';
import type { KeptNote } from '../../incident/note.ts';
import type { Limits } from '../../snapshot/target.ts';
import type { IncidentReport } from '../report.ts';

type Phase = IncidentReport['phases'][number];

interface PhaseTraces {
  readonly incident: Incident;
  readonly notes: readonly KeptNote[];
  readonly requests: readonly ApprovalRequest[];
  readonly graph: IncidentReport['graph'];
  readonly limits: Limits;
}

/**
 * How long it took until somebody knew, had it, changed something, and until it was over. Each from the opening,
 * but for the first; null where it never happened or nobody saw it.
 */
export function measurePhases(traces: PhaseTraces): Phase[] {
  const { incident, notes, requests } = traces;
  const opened = Date.parse(incident.openedAt);
  const since = (at: string | null | undefined): number | null =>
    at === null || at === undefined ? null : Math.max(0, Date.parse(at) - opened);
  const assigned = notes.find(({ kind }) => kind === 'incident-assigned')?.at;
  const changes = requests.flatMap(({ execution }) => execution?.startedAt ?? []).toSorted();
  const trouble = firstTrouble(traces);
  return [
    { name: 'noticed', tookMs: trouble === null ? null : Math.max(0, opened - trouble) },
    { name: 'taken', tookMs: since(assigned ?? incident.assignee?.at) },
    { name: 'first change', tookMs: since(changes[0]) },
    ...incident.escalations
      .filter(({ state }) => state === 'sent')
      .map(({ who, sentAt }): Phase => ({ name: `called ${who}`, tookMs: since(sentAt) })),
    { name: 'over', tookMs: since(incident.closing?.at) },
  ];
}

/** When slots passed the warning line and stayed above it until the opening, or when the first alert says it began. */
function firstTrouble({ incident, graph, limits }: PhaseTraces): number | null {
  const opened = Date.parse(incident.openedAt);
  const before = graph.filter(({ at }) => Date.parse(at) <= opened);
  const isCalm = ({ used, usable }: IncidentReport['graph'][number]): boolean =>
    used < usable * limits.warningUtilisation;
  const calm = before.findLastIndex(isCalm);
  const next = before[calm + 1];
  const seen = calm === -1 || next === undefined ? [] : [Date.parse(next.at)];
  const starts = incident.triggers
    .filter(({ kind }) => kind !== 'person')
    .map(({ startsAt }) => Date.parse(startsAt))
    .filter((start) => start <= opened);
  const known = [...seen, ...starts];
  return known.length === 0 ? null : Math.min(...known);
}

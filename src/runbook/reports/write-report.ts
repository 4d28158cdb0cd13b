import type { ApprovalRequest } from '../approvals/request.ts';
import { isTrouble, troubles } from '../diagnose/diagnosis-parts.ts';
import type { Trouble } from '../diagnose/diagnosis-parts.ts';
import type { Cause, CauseName, Finding } from '../diagnose/diagnosis.ts';
import { describeChange } from '../diagnose/findings/services.ts';
import { belongs } from '../incidents/incident-log.ts';
import type { KeptNote } from '../incidents/incident-log.ts';
import { bestDiagnosis, causeOf } from '../incidents/incident.ts';
import type { Incident } from '../incidents/incident.ts';
import { roleNames } from '../incidents/rules.ts';
import type { Limits, Target } from '../snapshot/target.ts';
import { count, durationOfSeconds } from '../snapshot/words.ts';
import { readChecks } from './advice/advice-input.ts';
import type { KeptCheck } from './advice/advice-input.ts';
import { adviseAfter } from './advice/advise.ts';
import { drawGraph, readPoints } from './report.ts';
import type { IncidentReport } from './report.ts';

interface GapTraces {
  readonly incident: Incident;
  readonly graph: IncidentReport['graph'];
  readonly checks: number;
  readonly unreadable: number;
  readonly trimmed: number;
}

/** Longer than this between two checks, nobody knows what happened. */
const longestSilenceMs = 2 * 60_000;

/** What dbconn cannot tell of an incident: said, so that nobody takes silence for calm. */
function findGaps(traces: GapTraces): string[] {
  const { incident, graph, checks, unreadable, trimmed } = traces;
  const opened = Date.parse(incident.openedAt);
  const closed = incident.closing === null ? opened : Date.parse(incident.closing.at);
  const times = graph.map(({ at }) => Date.parse(at));
  const [first] = times;
  const during = [opened, ...times.filter((time) => time > opened && time < closed), closed];
  const silences = during
    .map((time, index) => time - (during[index - 1] ?? time))
    .filter((ms) => ms > longestSilenceMs);
  return [
    ...(first === undefined
      ? ['No check saw how many connections were used.']
      : first > opened
        ? ['There was no check before it opened, so its real start is not known.']
        : []),
    ...(silences.length > 0 && first !== undefined
      ? [
          `Two figures are up to ${durationOfSeconds(Math.max(...silences) / 1000)} apart. Between them nothing changed, or no check succeeded.`,
        ]
      : []),
    ...(checks === 0 ? ['No check was kept in full, so evidence and advice are missing.'] : []),
    ...(trimmed > 0
      ? [
          `${count(trimmed, 'kept check')} had more sessions than the journal keeps. Counts of idle transactions are lower bounds.`,
        ]
      : []),
    ...(unreadable > 0
      ? [`This version of dbconn cannot read ${count(unreadable, 'kept check')}.`]
      : []),
  ];
}

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
function measurePhases(traces: PhaseTraces): Phase[] {
  const { incident, notes, requests } = traces;
  const opened = Date.parse(incident.openedAt);
  const since = (at: string | null | undefined): number | null =>
    at === null || at === undefined ? null : Math.max(0, Date.parse(at) - opened);
  const assigned = notes.find(({ kind }) => kind === 'incident-assigned')?.at;
  const changes = requests.flatMap(({ execution }) => execution?.startedAt ?? []).toSorted();
  const trouble = firstTrouble(traces);
  return [
    { name: 'detect', tookMs: trouble === null ? null : Math.max(0, opened - trouble) },
    { name: 'acknowledge', tookMs: since(assigned ?? incident.assignee?.at) },
    { name: 'first change', tookMs: since(changes[0]) },
    ...incident.escalations
      .filter(({ state }) => state === 'sent')
      .map(({ who, sentAt }): Phase => ({
        name: `notify ${roleNames[who].replace('the ', '')}`,
        tookMs: since(sentAt),
      })),
    { name: 'resolve', tookMs: since(incident.closing?.at) },
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

/** How a cause is called within a sentence. */
export const causeWords: Readonly<Record<CauseName, string>> = {
  'connection-leak': 'connection leak',
  'slow-queries': 'slow queries',
  'uncommitted-transactions': 'uncommitted transactions',
  'application-scaling': 'too many application processes',
  'pool-misconfiguration': 'wrong pool size',
  'lock-contention': 'lock waits',
};

/** `orders ran out of connections for 23 minutes: connection leak in backend.` Figures and configured names only. */
function writeTitle(incident: Incident, cause: CauseName | Trouble | null, target: Target): string {
  const { peak } = incident;
  const verb =
    peak !== null && peak.used >= peak.usable
      ? 'ran out of connections'
      : incident.severity === 'critical'
        ? 'was short of connections'
        : 'had trouble with its connections';
  const what = nameCause(cause);
  const subject = [bestDiagnosis(incident), incident.last, incident.first]
    .map((check) => check?.subject)
    .find((one) => target.services.some(({ name }) => name === one));
  const where = subject === undefined || subject === null || cause === null ? '' : ` in ${subject}`;
  return `${incident.target} ${verb}${howLong(incident)}: ${what}${where}.`;
}

function nameCause(cause: CauseName | Trouble | null): string {
  if (cause === null) return 'no cause found';
  return isTrouble(cause) ? troubles[cause] : causeWords[cause];
}

/** Checks at which nothing changes are not kept, so the record alone does not say for how long one that is open lasts. */
function howLong({ closing, openedAt }: Incident): string {
  if (closing === null) return ', not resolved yet';
  const ms = Math.max(0, Date.parse(closing.at) - Date.parse(openedAt));
  return ` for ${durationOfSeconds(ms / 1000)}`;
}

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

/** Each once, from the checks before dbconn changed anything itself. */
function findChanges(checks: readonly KeptCheck[]): IncidentReport['changes'] {
  const found = checks.flatMap(({ diagnosis: { changes = [] } }) => changes);
  const sentences = found.map((change) => ({ at: change.at, sentence: describeChange(change) }));
  return [...new Map(sentences.map((one) => [`${one.at} ${one.sentence}`, one])).values()].toSorted(
    (a, b) => a.at.localeCompare(b.at),
  );
}

/** The first that is none of the runbook's six, where no check found one of those. */
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
  // The checks that found it may have been cut for the journal.
  return (fitting.length === 0 ? found : fitting).reduce<Cause | null>(
    (best, next) => (best === null || next.confidence > best.confidence ? next : best),
    null,
  );
}

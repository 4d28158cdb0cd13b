import type { Clock } from '../snapshot/ports.ts';
import type { IncidentBoard } from '../ports/incident-board.ts';
import type { IncidentLog } from '../ports/incident-log.ts';
import { isOpen } from '../approval/request.ts';
import type { ApprovalRequest } from '../approval/request.ts';
import { readRequestsOf } from '../incident/belongs.ts';
import { changeIncident } from '../incident/change-incident.ts';
import type { Decision } from '../incident/change-incident.ts';
import type { Incident, IncidentChange } from '../incident/incident.ts';
import type { Note } from '../incident/note.ts';
import type { IncidentRules } from '../incident/rules.ts';
import type { Target } from '../snapshot/target.ts';
import { hasPassed, uptimeOf } from '../uptime.ts';
import { checklist } from '../incidents/checklist.ts';
import type { Reporter } from './reporter.ts';
import { openItemsQuestion, openItems } from './ask-for-open-items.ts';
import { gatherReport } from './records.ts';

interface ReporterPorts {
  readonly log: IncidentLog;
  readonly board: Pick<IncidentBoard, 'report' | 'ask'>;
  readonly clock: Clock;
  readonly targets: readonly Target[];
  readonly rules: Pick<IncidentRules, 'checklistAfterMs'>;
  /** Called with what Slack refused, before it is tried again. */
  readonly onFault: (error: unknown, incident: string) => void;
}

/** A change that is still being verified belongs into the report; one that hangs does not hold it up for ever. */
const waitForRequestsMs = 10 * 60_000;
/** Between two tries while Slack refuses: it is asked again, and not every second. */
const firstPauseMs = 5_000;
const longestPauseMs = 5 * 60_000;

/** Writes the report of a resolved incident once, and asks once for what is left of its checklist. */
export function createReporter(ports: ReporterPorts): Reporter {
  const { clock, onFault, rules } = ports;
  const pauses = new Map<string, { readonly untilMs: number; readonly ms: number }>();

  /** Does it unless it failed a short time ago; undefined where it was not done. */
  const withBackoff = async <T>(id: string, work: () => Promise<T>): Promise<T | undefined> => {
    const pause = pauses.get(id);
    if (pause !== undefined && uptimeOf(clock) < pause.untilMs) return undefined;
    try {
      const value = await work();
      pauses.delete(id);
      return value;
    } catch (error) {
      const ms = Math.min(longestPauseMs, pause === undefined ? firstPauseMs : pause.ms * 2);
      pauses.set(id, { untilMs: uptimeOf(clock) + ms, ms });
      onFault(error, id);
      return undefined;
    }
  };

  return {
    async advance(incident) {
      if (incident.state !== 'resolved' || incident.closing === null) return incident;
      if (incident.reportedAt === null) return report(ports, incident, withBackoff);
      const endedMs = Date.parse(incident.closing.at);
      const isDue = hasPassed(clock, endedMs, rules.checklistAfterMs);
      if (incident.checklistAskedAt !== null || !isDue) return incident;
      return ask(ports, incident, withBackoff);
    },
  };
}

type WithBackoff = <T>(id: string, work: () => Promise<T>) => Promise<T | undefined>;

async function report(
  ports: ReporterPorts,
  incident: Incident,
  withBackoff: WithBackoff,
): Promise<Incident> {
  const { board, clock, log } = ports;
  const { id } = incident;
  const requests = await readRequestsOf(log, incident);
  if (isUnsettled(requests, incident, clock)) return incident;
  const written = await gatherReport(ports, incident);
  const posted = await withBackoff(id, () => board.report(incident, written).then(() => true));
  if (posted === undefined) return incident;
  const note: Note = {
    kind: 'incident-reported',
    sentence: null,
    facts: { title: written.title, advice: written.prevention.length, gaps: written.gaps.length },
  };
  const change = { reportedAt: new Date(clock.now()).toISOString() };
  return remember(ports, incident, { change, note });
}

function isUnsettled(
  requests: readonly ApprovalRequest[],
  { closing }: Incident,
  clock: Clock,
): boolean {
  const endedMs = Date.parse(closing?.at ?? '');
  return (
    !hasPassed(clock, endedMs, waitForRequestsMs) &&
    requests.some((one) => one.state !== 'proposed' && isOpen(one))
  );
}

async function ask(
  ports: ReporterPorts,
  incident: Incident,
  withBackoff: WithBackoff,
): Promise<Incident> {
  const { board, clock } = ports;
  // What became a part of another incident has no checklist of its own.
  const left = incident.mergedInto === null ? openItems(incident).length : 0;
  if (left > 0) {
    const question = openItemsQuestion(incident);
    const done = await withBackoff(incident.id, () =>
      board.ask(incident, question).then(() => true),
    );
    if (done === undefined) return incident;
  }
  const note: Note = {
    kind: 'incident-asked',
    sentence: null,
    facts: { about: 'checklist', open: left, of: checklist.length },
  };
  const change = { checklistAskedAt: new Date(clock.now()).toISOString() };
  return remember(ports, incident, { change, note });
}

interface Fact {
  readonly change: Pick<IncidentChange, 'reportedAt' | 'checklistAskedAt'>;
  readonly note: Note;
}

/** Writes it down unless the incident came back meanwhile, or another process did. */
async function remember(
  { log }: ReporterPorts,
  { id, reopenedAt }: Incident,
  { change, note }: Fact,
): Promise<Incident> {
  let now: Incident | undefined;
  const changed = await changeIncident(log, id, (incident): Decision => {
    now = incident;
    const isSame =
      incident.state === 'resolved' && incident.reopenedAt.length === reopenedAt.length;
    const isDone =
      change.reportedAt === undefined
        ? incident.checklistAskedAt !== null
        : incident.reportedAt !== null;
    return isSame && !isDone ? { state: 'resolved', change, note } : null;
  });
  if (changed.ok) return changed.value;
  if (now === undefined) throw new Error(changed.refusal.why);
  return now;
}

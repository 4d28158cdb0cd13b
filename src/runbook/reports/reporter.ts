import { hasPassed, isoNow } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import { JournalUnavailable } from '../approvals/journal.ts';
import { isOpen } from '../approvals/request.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import { checklist } from '../incidents/checklist.ts';
import { changeIncident, refuseUnknown } from '../incidents/change.ts';
import { readRequestsOf } from '../incidents/incident-log.ts';
import type { Decision } from '../incidents/change.ts';
import type { IncidentLog, Note } from '../incidents/incident-log.ts';
import type { Incident, IncidentChange } from '../incidents/incident.ts';
import { Pauses } from '../incidents/pauses.ts';
import type { IncidentRules } from '../incidents/rules.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { defaultLimits } from '../snapshot/target.ts';
import type { Target } from '../snapshot/target.ts';
import { count, list } from '../snapshot/words.ts';
import type { IncidentBoard } from './incident-board.ts';
import type { IncidentReport } from './report.ts';
import { writeReport } from './write-report.ts';

/** The items nobody ticked, in the runbook's order. */
export function openItems({
  checklist: ticks,
}: Pick<Incident, 'checklist'>): (typeof checklist)[number][] {
  return checklist.filter(({ id }) => ticks.every(({ item }) => item !== id));
}

/** Who is asked, and for what: whoever had the incident, else whoever closed it. */
function openItemsQuestion(incident: Incident): {
  readonly key: string;
  readonly sentence: string;
} {
  const { id, assignee, closing, reopenedAt } = incident;
  const person = [assignee?.by, closing?.by].find((one) => one?.via === 'slack');
  const open = openItems(incident);
  const left = `${count(open.length, 'item')} of the post-incident checklist ${open.length === 1 ? 'is' : 'are'} still open`;
  const items = list(open.map(({ title }) => title.toLowerCase()));
  const begin = person === undefined || person === null ? '' : `<@${person.id}> `;
  return {
    key: `checklist-ask:${id}:${reopenedAt.length}`,
    sentence: `${begin}${left}: ${items}.`,
  };
}

/** What is left to do when an incident is over. Only whoever leads does it. */
export interface Reporter {
  /**
   * Does what is due for a resolved incident: its report once, and the open items of its checklist once after some
   * days. Returns the incident as it then stands. What Slack refuses is tried again; throws only JournalUnavailable.
   */
  advance(incident: Incident): Promise<Incident>;
}

/** What the journal holds of incidents that were, as Slack and the terminal ask for it. Changes nothing. */
export interface Records {
  /** The report of an incident, written anew from what was kept; of an open one so far. */
  readReport(id: string): Promise<Answer<IncidentReport>>;
}

interface RecordPorts {
  readonly log: Pick<IncidentLog, 'readIncident' | 'readNotes' | 'readRequestsSince'>;
  readonly targets: readonly Target[];
}

export function createRecords(ports: RecordPorts): Records {
  return {
    async readReport(id) {
      try {
        const incident = await ports.log.readIncident(id);
        if (incident !== undefined) return done(await gatherReport(ports, incident));
        return refuseUnknown();
      } catch (error) {
        if (!(error instanceof JournalUnavailable)) throw error;
        return refuse('journal', 'The journal cannot be read.', error.message);
      }
    },
  };
}

/** Reads what was kept of an incident and writes its report. Throws JournalUnavailable. */
export async function gatherReport(
  { log, targets }: RecordPorts,
  incident: Incident,
): Promise<IncidentReport> {
  const { id, target: name } = incident;
  const [notes, requests] = await Promise.all([
    log.readNotes(id, 0),
    readRequestsOf(log, incident),
  ]);
  const target = targets.find((one) => one.name === name) ?? unconfigured(name);
  return writeReport({ incident, notes, requests, target });
}

/** Its target was taken out of the configuration since: what was kept of it can be told all the same. */
function unconfigured(name: string): Target {
  return {
    name,
    services: [],
    applicationRoles: [],
    protectedApplications: [],
    limits: defaultLimits,
    links: { guides: [] },
    contacts: {},
  };
}

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

/** Writes the report of a resolved incident once, and asks once for what is left of its checklist. */
export function createReporter(ports: ReporterPorts): Reporter {
  const { clock, onFault, rules } = ports;
  // While Slack refuses it is asked again, and not every second.
  const pauses = new Pauses({ clock, firstMs: 5000, longestMs: 5 * 60_000 });
  const attempt: Attempt = async (id, work) => {
    const made = await pauses.attempt(id, work);
    if (!made.isDone && made.error !== undefined) onFault(made.error, id);
    return made.isDone;
  };
  return {
    async advance(incident) {
      if (incident.state !== 'resolved' || incident.closing === null) return incident;
      if (incident.reportedAt === null) return report(ports, incident, attempt);
      const endedMs = Date.parse(incident.closing.at);
      const isDue = hasPassed(clock, endedMs, rules.checklistAfterMs);
      if (incident.checklistAskedAt !== null || !isDue) return incident;
      return ask(ports, incident, attempt);
    },
  };
}

/** Does it unless it failed a short time ago; false where it was not done. */
type Attempt = (id: string, work: () => Promise<void>) => Promise<boolean>;

async function report(
  ports: ReporterPorts,
  incident: Incident,
  attempt: Attempt,
): Promise<Incident> {
  const { board, clock, log } = ports;
  const { id } = incident;
  const requests = await readRequestsOf(log, incident);
  if (isUnsettled(requests, incident, clock)) return incident;
  const written = await gatherReport(ports, incident);
  if (!(await attempt(id, () => board.report(incident, written)))) return incident;
  const note: Note = {
    kind: 'incident-reported',
    sentence: null,
    facts: { title: written.title, advice: written.prevention.length, gaps: written.gaps.length },
  };
  return remember(ports, incident, { change: { reportedAt: isoNow(clock) }, note });
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

async function ask(ports: ReporterPorts, incident: Incident, attempt: Attempt): Promise<Incident> {
  const { board, clock } = ports;
  // What became a part of another incident has no checklist of its own.
  const left = incident.mergedInto === null ? openItems(incident).length : 0;
  if (left > 0) {
    const question = openItemsQuestion(incident);
    if (!(await attempt(incident.id, () => board.ask(incident, question)))) return incident;
  }
  const note: Note = {
    kind: 'incident-asked',
    sentence: null,
    facts: { about: 'checklist', open: left, of: checklist.length },
  };
  return remember(ports, incident, { change: { checklistAskedAt: isoNow(clock) }, note });
}

interface Fact {
  readonly change: Pick<IncidentChange, 'reportedAt' | 'checklistAskedAt'>;
  readonly note: Note;
}

/** Writes it down unless the incident came back meanwhile, or another process did. */
async function remember(
  deps: ReporterPorts,
  { id, reopenedAt }: Incident,
  { change, note }: Fact,
): Promise<Incident> {
  let now: Incident | undefined;
  const changed = await changeIncident(deps, id, (incident): Decision => {
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

import { hasPassed, isoNow } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import { JournalUnavailable } from '../approvals/journal.ts';
import { isOpen } from '../approvals/request.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import { checklist } from '../incidents/incident.ts';
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

/** Who is asked, and for what: the owner of the incident, else the person who closed it. */
function openItemsQuestion(incident: Incident): {
  readonly key: string;
  readonly sentence: string;
} {
  const { id, assignee, closing, reopenedAt } = incident;
  const person = [assignee?.by, closing?.by].find((one) => one?.via === 'slack');
  const open = openItems(incident);
  const left = `${count(open.length, 'checklist item')} ${open.length === 1 ? 'is' : 'are'} still open`;
  const items = list(open.map(({ title }) => title.toLowerCase()));
  const begin = person === undefined || person === null ? '' : `<@${person.id}> `;
  return {
    key: `checklist-ask:${id}:${reopenedAt.length}`,
    sentence: `${begin}${left}: ${items}.`,
  };
}

/** What the journal holds of past incidents, as Slack and the terminal ask for it. Changes nothing. */
export interface Records {
  /** The report of an incident, written from what was kept; of an open one so far. */
  readReport(id: string): Promise<Answer<IncidentReport>>;
}

interface RecordDeps {
  readonly log: Pick<IncidentLog, 'readIncident' | 'readNotes' | 'readRequestsSince'>;
  readonly targets: readonly Target[];
}

export function createRecords(deps: RecordDeps): Records {
  return {
    async readReport(id) {
      try {
        const incident = await deps.log.readIncident(id);
        if (incident !== undefined) return done(await gatherReport(deps, incident));
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
  { log, targets }: RecordDeps,
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

interface ReporterDeps {
  readonly log: IncidentLog;
  readonly board: Pick<IncidentBoard, 'report' | 'ask'>;
  readonly clock: Clock;
  readonly targets: readonly Target[];
  readonly rules: Pick<IncidentRules, 'checklistAfterMs'>;
  /** Called with what Slack refused, before it is tried again. */
  readonly onFault: (incident: string, error: unknown) => void;
}

/** A change that is still being verified belongs into the report; one that hangs does not hold it up for ever. */
const waitForRequestsMs = 10 * 60_000;

/** What is left to do when an incident is over. Only the leader does it. */
export class Reporter {
  readonly #deps: ReporterDeps;
  /** While Slack refuses it is asked again, and not every second. */
  readonly #pauses: Pauses;

  constructor(deps: ReporterDeps) {
    this.#deps = deps;
    this.#pauses = new Pauses({ clock: deps.clock, firstMs: 5000, longestMs: 5 * 60_000 });
  }

  /**
   * Does what is due for a resolved incident: its report once, and the open items of its checklist once after some
   * days. Returns the incident as it then stands. What Slack refuses is tried again; throws only JournalUnavailable.
   */
  async advance(incident: Incident): Promise<Incident> {
    const { clock, rules } = this.#deps;
    if (incident.state !== 'resolved' || incident.closing === null) return incident;
    if (incident.reportedAt === null) return this.#report(incident);
    const endedMs = Date.parse(incident.closing.at);
    const isDue = hasPassed(clock, endedMs, rules.checklistAfterMs);
    return incident.checklistAskedAt === null && isDue ? this.#ask(incident) : incident;
  }

  async #report(incident: Incident): Promise<Incident> {
    const { board, clock, log } = this.#deps;
    const requests = await readRequestsOf(log, incident);
    if (isUnsettled(requests, incident, clock)) return incident;
    const report = await gatherReport(this.#deps, incident);
    if (!(await this.#attempt(incident, () => board.report(incident, report)))) return incident;
    const { title, prevention, gaps } = report;
    const facts = { title, advice: prevention.length, gaps: gaps.length };
    const note: Note = { kind: 'incident-reported', sentence: null, facts };
    return remember(this.#deps, incident, { change: { reportedAt: isoNow(clock) }, note });
  }

  async #ask(incident: Incident): Promise<Incident> {
    const { board, clock } = this.#deps;
    // What became a part of another incident has no checklist of its own.
    const open = incident.mergedInto === null ? openItems(incident).length : 0;
    const question = openItemsQuestion(incident);
    const isAsked =
      open === 0 || (await this.#attempt(incident, () => board.ask(incident, question)));
    if (!isAsked) return incident;
    const facts = { about: 'checklist', open, of: checklist.length };
    const note: Note = { kind: 'incident-asked', sentence: null, facts };
    return remember(this.#deps, incident, { change: { checklistAskedAt: isoNow(clock) }, note });
  }

  /** False where it was not done: it failed now or a short time ago. */
  async #attempt({ id }: Incident, work: () => Promise<void>): Promise<boolean> {
    const made = await this.#pauses.attempt(id, work);
    if (!made.isDone && made.error !== undefined) this.#deps.onFault(id, made.error);
    return made.isDone;
  }
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

interface Fact {
  readonly change: Pick<IncidentChange, 'reportedAt' | 'checklistAskedAt'>;
  readonly note: Note;
}

/** Writes it down unless the incident came back meanwhile, or another process did. */
async function remember(
  deps: ReporterDeps,
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

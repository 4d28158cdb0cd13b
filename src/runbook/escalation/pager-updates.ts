import type { ApprovalRequest } from '../approvals/request.ts';
import { addNote, changeIncident } from '../incidents/change.ts';
import type { Note } from '../incidents/incident-log.ts';
import { lifeStartMs } from '../incidents/incident.ts';
import type { Incident } from '../incidents/incident.ts';
import type { IncidentView } from '../incidents/incidents.ts';
import type { EscalationReason } from '../incidents/rules.ts';
import { wasTakenBack } from '../remedies/remedy.ts';
import type { Item } from '../remedies/remedy.ts';
import type { Links } from '../snapshot/target.ts';
import { capital } from '../snapshot/words.ts';
import { toSummary } from './channels.ts';
import { attempt, changed, contactsOf } from './escalator-deps.ts';
import type { Calling } from './escalator-deps.ts';
import { PagerRefused } from './ports.ts';
import type { Page, Pager } from './ports.ts';

/** What an incident is for the pager. */
interface PageParts {
  readonly view: IncidentView;
  readonly links: Links;
  readonly reasons: readonly EscalationReason[];
  readonly nowMs: number;
}

/** One key for an incident in all its lives: what is triggered after a resolution opens again by itself. */
export function toPage(action: Page['action'], { view, links, reasons, nowMs }: PageParts): Page {
  const { incident, diagnosis } = view;
  const verdict = diagnosis?.verdict ?? incident.last?.verdict;
  return {
    action,
    key: `dbconn/${incident.target}/${incident.id}`,
    target: incident.target,
    severity: incident.severity,
    summary: toSummary(view),
    at: new Date(nowMs).toISOString(),
    details: {
      ...(verdict !== undefined && { diagnosis: verdict }),
      ...Object.fromEntries(reasons.map(({ name, sentence }) => [name, sentence])),
    },
    links: toLinks(links),
  };
}

function toLinks({ dashboard, guides }: Links): Page['links'] {
  return [...(dashboard === undefined ? [] : [{ title: 'Dashboard', url: dashboard }]), ...guides];
}

/** Tells the pager that somebody has it, or that it is over, once each. Repeating either after a crash changes nothing there. */
export async function keepPager(calling: Calling): Promise<Incident> {
  const { deps, view } = calling;
  const { incident } = view;
  const pager = deps.pagerOf(incident.target);
  const action = whatToTell(incident);
  if (pager === undefined || action === null) return incident;
  const { links } = contactsOf(deps, incident);
  const page = toPage(action, { view, links, reasons: [], nowMs: deps.clock.now() });
  const made = await attempt(calling, action, () => pager.page(page));
  if (!made.isDone) return keepRefusal(calling, { pager, action }, made.error);
  const told = action === 'resolve' ? 'resolved' : 'acknowledged';
  const sentence = `${capital(told)} in ${pager.name}.`;
  const note: Note = { kind: 'incident-paged', sentence, facts: { told } };
  return changed(
    calling,
    changeIncident(deps, incident.id, ({ state }) => ({ state, change: { pager: told }, note })),
  );
}

type Told = 'acknowledge' | 'resolve';

/** Null while the pager is as the incident is. */
export function whatToTell(incident: Incident): Told | null {
  const { state, pager, assignee } = incident;
  const isPaged = pager === 'triggered' || pager === 'acknowledged';
  if (state !== 'open') return isPaged ? 'resolve' : null;
  if (pager !== 'triggered' || assignee === null) return null;
  // Anyone who was paged after somebody had it is paged because that was not enough.
  return Date.parse(assignee.at) > lastPagedMs(incident) ? 'acknowledge' : null;
}

/** Without an end while a call is still being made: an acknowledgement would silence it. */
function lastPagedMs(incident: Incident): number {
  const paged = incident.escalations.filter(
    ({ who, tries, dueAt }) =>
      who === 'on-call' && tries > 0 && Date.parse(dueAt) >= lifeStartMs(incident),
  );
  return Math.max(
    0,
    ...paged.map(({ sentAt }) => (sentAt === null ? Infinity : Date.parse(sentAt))),
  );
}

interface Refused {
  readonly pager: Pager;
  readonly action: Told;
}

/** What is refused for good is tried again after a restart, which may come with another key; the thread hears once. */
async function keepRefusal(
  calling: Calling,
  { pager, action }: Refused,
  error: unknown,
): Promise<Incident> {
  const { deps, memory } = calling;
  const { incident } = calling.view;
  if (!(error instanceof PagerRefused) || error.mayPass) return incident;
  memory.pauses.beginForGood(action);
  const sentence = `${error.message} Please ${action} it in ${pager.name} yourself.`;
  const notes = await deps.log.readNotes(incident.id, 0);
  if (notes.some((note) => note.sentence === sentence)) return incident;
  return changed(calling, addNote(deps, incident.id, { kind: 'incident-paged', sentence }));
}

const changing: ReadonlySet<Item['outcome']> = new Set([
  'ended',
  'cancelled',
  'rolled back',
  'set',
  'restarted',
  'recreated',
  'unhealthy',
  'crash loop',
]);

/**
 * Tells the pager of requests that changed something: the person who is woken sees them beside the page. The note comes
 * first, because the service has no key to know a repetition by: a kill in that moment loses a line and repeats none.
 */
export async function tellChanges({ deps, memory, view }: Calling): Promise<Incident> {
  const pager = deps.pagerOf(view.incident.target);
  const fresh = view.requests.filter(
    (request) => hasChanged(request) && !memory.changesTold.has(request.id),
  );
  if (pager === undefined || fresh.length === 0) return view.incident;
  let { incident } = view;
  const notes = await deps.log.readNotes(incident.id, 0);
  const known = new Set(notes.map(({ facts }) => facts?.['change']));
  for (const request of fresh) {
    const { id, result, target, plan } = request;
    if (!known.has(id)) {
      const note: Note = { kind: 'incident-paged', sentence: null, facts: { change: id } };
      const noted = await addNote(deps, incident.id, note);
      if (!noted.ok) return incident;
      incident = noted.value;
      const at = result?.endedAt ?? request.proposedAt;
      const summary = `${plan.title}: ${result?.report.summary ?? ''}`;
      // Nobody waits for it: it pages nobody, and the pager may take two minutes to refuse it.
      void pager
        .tellChange({ target, summary, at })
        .catch((error: unknown) => deps.onFault(view.incident.id, error));
    }
    memory.changesTold.add(id);
  }
  return incident;
}

function hasChanged({ state, result }: ApprovalRequest): boolean {
  if (state === 'executing' || result === null || wasTakenBack(result.report)) return false;
  return result.report.items.some(({ outcome }) => changing.has(outcome));
}

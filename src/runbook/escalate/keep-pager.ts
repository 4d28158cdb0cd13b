import { JournalUnavailable } from '../approval/journal-unavailable.ts';
import { changeIncident } from '../incident/change-incident.ts';
import type { Incident } from '../incident/incident.ts';
import type { IncidentView } from '../incidents/incidents.ts';
import { PagerRefused } from '../escalation/pager.ts';
import type { Pager } from '../escalation/pager.ts';
import { isPaused, pause, contactsOf } from '../escalation/escalator-deps.ts';
import type { EscalatorMemory, EscalatorDeps } from '../escalation/escalator-deps.ts';
import { lifeStartMs } from './life.ts';
import { toPage } from './page-of.ts';

export interface Keeping {
  readonly ports: EscalatorDeps;
  readonly memory: EscalatorMemory;
  readonly view: IncidentView;
}

/** Tells the pager that somebody has it, or that it is over, once each. Repeating either after a crash changes nothing there. */
export async function keepPager(keeping: Keeping): Promise<Incident> {
  const { ports, memory, view } = keeping;
  const { incident } = view;
  const pager = ports.pagerOf(incident.target);
  const action = whatToTell(incident);
  const nowMs = ports.clock.now();
  if (pager === undefined || action === null || isPaused(memory, action, ports.clock))
    return incident;
  try {
    const { links } = contactsOf(ports, incident);
    await pager.page(toPage(action, { view, links, reasons: [], nowMs }));
  } catch (error) {
    if (error instanceof JournalUnavailable) throw error;
    ports.onFault(incident.id, error);
    return refused(keeping, { pager, action }, error);
  }
  memory.pauses.delete(action);
  const [told, what] =
    action === 'resolve'
      ? (['resolved', 'it is over'] as const)
      : (['acknowledged', 'somebody has it'] as const);
  const changed = await changeIncident(ports.log, incident.id, (current) => ({
    state: current.state,
    change: { pager: told },
    note: { kind: 'incident-paged', sentence: `${pager.name} was told that ${what}.` },
  }));
  return changed.ok ? changed.value : incident;
}

type Told = 'acknowledge' | 'resolve';

/** Null while the pager is as the incident is. */
export function whatToTell(incident: Incident): Told | null {
  const { state, pager, assignee } = incident;
  const isPaged = pager === 'triggered' || pager === 'acknowledged';
  if (state !== 'open') return isPaged ? 'resolve' : null;
  if (pager !== 'triggered' || assignee === null) return null;
  // Whoever was paged after somebody had it is paged because that was not enough.
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
async function refused(
  { ports, memory, view: { incident } }: Keeping,
  { pager, action }: Refused,
  error: unknown,
): Promise<Incident> {
  pause(memory, action, ports.clock);
  if (!(error instanceof PagerRefused) || error.mayPass) return incident;
  memory.pauses.set(action, { untilMs: Infinity, tries: 0 });
  const sentence = `${error.message} ${pager.name} does not know; tell it by hand to ${action}.`;
  const notes = await ports.log.readNotes(incident.id, 0);
  if (notes.some((note) => note.sentence === sentence)) return incident;
  const changed = await changeIncident(ports.log, incident.id, ({ state }) => ({
    state,
    change: {},
    note: { kind: 'incident-paged', sentence },
  }));
  return changed.ok ? changed.value : incident;
}

import type { ApprovalRequest } from '../approval/request.ts';
import { changeIncident } from '../incident/change-incident.ts';
import type { Incident } from '../incident/incident.ts';
import type { Item } from '../remedies/report.ts';
import { wasTakenBack } from '../remedies/report.ts';
import type { Keeping } from './keep-pager.ts';

const changed: ReadonlySet<Item['outcome']> = new Set([
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
 * Tells the pager of requests that changed something: whoever is woken sees them beside the page. The note comes
 * first, because the service has no key to know a repetition by: a kill in that moment loses a line and repeats none.
 */
export async function tellChanges({ ports, memory, view }: Keeping): Promise<Incident> {
  const pager = ports.pagerOf(view.incident.target);
  const fresh = view.requests.filter(
    (request) => hasChanged(request) && !memory.changesTold.has(request.id),
  );
  if (pager === undefined || fresh.length === 0) return view.incident;
  let incident = view.incident;
  const notes = await ports.log.readNotes(incident.id, 0);
  const known = new Set(notes.map(({ facts }) => facts?.['change']));
  for (const request of fresh) {
    const { id, result, target, plan } = request;
    if (!known.has(id)) {
      const noted = await changeIncident(ports.log, incident.id, ({ state }) => ({
        state,
        change: {},
        note: { kind: 'incident-paged', sentence: null, facts: { change: id } },
      }));
      if (!noted.ok) return incident;
      incident = noted.value;
      const at = result?.endedAt ?? request.proposedAt;
      const summary = `${plan.title}: ${result?.report.summary ?? ''}`;
      // Nobody waits for it: it pages nobody, and the pager may take two minutes to refuse it.
      void pager
        .tellChange({ target, summary, at })
        .catch((error: unknown) => ports.onFault(view.incident.id, error));
    }
    memory.changesTold.add(id);
  }
  return incident;
}

function hasChanged({ state, result }: ApprovalRequest): boolean {
  if (state === 'executing' || result === null || wasTakenBack(result.report)) return false;
  return result.report.items.some(({ outcome }) => changed.has(outcome));
}

import { done, refuse } from '../remedies/remedy.ts';
import type { Answer, Refusal } from '../remedies/remedy.ts';
import type { IncidentLog } from '../ports/incident-log.ts';
import { advanceIncident } from './incident.ts';
import type { Incident, IncidentChange, IncidentState } from './incident.ts';
import { toDraft } from './note.ts';
import type { Note } from './note.ts';

/** What to make of an incident as it stands now: a change with its note, a refusal, or null where nothing is to be done. */
export type Decision =
  | { readonly state: IncidentState; readonly change: IncidentChange; readonly note: Note }
  | { readonly refusal: Refusal }
  | null;

/** More often than this nobody is quicker by chance: something writes without end. */
const mostTries = 10;

/**
 * Changes an incident, deciding anew whenever somebody else was quicker. Returns it as it then stands.
 * Throws JournalUnavailable.
 */
export async function changeIncident(
  log: Pick<IncidentLog, 'readIncident' | 'moveIncident'>,
  id: string,
  decide: (incident: Incident) => Decision,
): Promise<Answer<Incident>> {
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const incident = await log.readIncident(id);
    if (incident === undefined) {
      return refuse('unknown-incident', 'There is no such incident.', 'Look at /dbconn history.');
    }
    const decision = decide(incident);
    if (decision === null) return done(incident);
    if ('refusal' in decision) return { ok: false, refusal: decision.refusal };
    const to = advanceIncident(incident, decision.state, decision.change);
    const moved = await log.moveIncident(incident.version, to, toDraft(id, decision.note));
    if (moved === 'moved') return done(to);
    if (moved === 'busy') {
      const why = 'This target has another open incident by now.';
      return refuse('another-incident', why, 'Go on with that one, or merge them.');
    }
  }
  return refuse('busy', 'The incident changes too fast.', 'Try again in a few seconds.');
}

import { done, refuse } from '../remedies/remedy.ts';
import type { Answer, Refusal } from '../remedies/remedy.ts';
import { toDraft } from './incident-log.ts';
import type { IncidentDeps, IncidentLog, Note } from './incident-log.ts';
import { advanceIncident } from './incident.ts';
import type { Incident, IncidentChange, IncidentState } from './incident.ts';

/** What to make of an incident as it stands now: a change with its note, a refusal, or null where nothing is to be done. */
export type Decision =
  | { readonly state: IncidentState; readonly change: IncidentChange; readonly note: Note }
  | { readonly refusal: Refusal }
  | null;

export interface ChangeDeps extends Pick<IncidentDeps, 'onChange'> {
  readonly log: Pick<IncidentLog, 'readIncident' | 'moveIncident'>;
}

/** More often than this nobody is quicker by chance: something writes without end. */
const mostTries = 10;

/** Tries again from the beginning for as long as somebody else was quicker. */
export async function untilQuick<T>(
  attempt: (tries: number) => Promise<T | 'changed'>,
): Promise<T | 'changed'> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const answer = await attempt(tries);
    if (answer !== 'changed') return answer;
  }
  return 'changed';
}

/**
 * Changes an incident as it was found, and returns it as it then stands: `changed` where somebody was quicker, `busy`
 * where its target has another open one by now. Throws JournalUnavailable.
 */
export async function changeFound(
  { log, onChange }: ChangeDeps,
  found: Incident,
  decision: Decision,
): Promise<Answer<Incident> | 'changed' | 'busy'> {
  if (decision === null) return done(found);
  if ('refusal' in decision) return { ok: false, refusal: decision.refusal };
  const to = advanceIncident(found, decision.state, decision.change);
  const moved = await log.moveIncident(found.version, to, toDraft(found.id, decision.note));
  if (moved !== 'moved') return moved;
  onChange?.(to);
  return done(to);
}

/** The same for one that is read first, deciding again whenever somebody else was quicker. */
export async function changeIncident(
  deps: ChangeDeps,
  id: string,
  decide: (incident: Incident) => Decision,
): Promise<Answer<Incident>> {
  const changed = await untilQuick(async () => {
    const found = await deps.log.readIncident(id);
    return found === undefined ? refuseUnknown() : changeFound(deps, found, decide(found));
  });
  if (changed === 'changed') {
    return refuse(
      'busy',
      'Others are changing this incident right now.',
      'Try again in a few seconds.',
    );
  }
  if (changed !== 'busy') return changed;
  const why = 'This target already has another open incident.';
  return refuse('another-incident', why, 'Use that one, or merge the two.');
}

/** Adds to the timeline what changes nothing else. */
export function addNote(deps: ChangeDeps, id: string, note: Note): Promise<Answer<Incident>> {
  return changeIncident(deps, id, ({ state }) => ({ state, change: {}, note }));
}

export function refuseUnknown(): ReturnType<typeof refuse> {
  return refuse('unknown-incident', 'This incident does not exist.', 'See /dbconn history.');
}

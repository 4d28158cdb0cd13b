import { isoNow } from '../approval/iso-now.ts';
import type { Actor } from '../approval/actor.ts';
import type { IncidentLog } from '../ports/incident-log.ts';
import { refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { changeIncident } from './change-incident.ts';
import type { Decision } from './change-incident.ts';
import type { IncidentDeps } from './incident-ports.ts';
import type { Incident } from './incident.ts';
import { mayDecide } from './may-decide.ts';

/** What any change needs. */
export interface ChangePorts extends Pick<IncidentDeps, 'clock' | 'onChange'> {
  readonly log: Pick<IncidentLog, 'readIncident' | 'moveIncident'>;
}

/** A change somebody asked for. */
interface ByHand {
  readonly id: string;
  readonly actor: Actor;
  readonly decide: (incident: Incident, at: string) => Decision;
}

/** Asks whether this person may, then changes the incident. Throws JournalUnavailable. */
export async function actByHand(
  ports: IncidentDeps,
  { id, actor, decide }: ByHand,
): Promise<Answer<Incident>> {
  const allowed = await mayDecide(ports.people, actor);
  return allowed.ok ? change(ports, id, decide) : allowed;
}

/** The same for what everybody may. */
export async function change(
  { log, clock, onChange }: ChangePorts,
  id: string,
  decide: ByHand['decide'],
): Promise<Answer<Incident>> {
  let before = 0;
  const changed = await changeIncident(log, id, (incident) => {
    before = incident.version;
    return decide(incident, isoNow(clock));
  });
  if (changed.ok && changed.value.version !== before) onChange?.(changed.value);
  return changed;
}

/** For what only an open incident can be asked. */
export function refuseNotOpen({ state, mergedInto }: Incident): ReturnType<typeof refuse> {
  return state === 'merged'
    ? refuse('merged', `This one became a part of ${mergedInto ?? 'another'}.`, 'Go on there.')
    : refuse('resolved', 'This incident is over.', 'Reopen it, if the trouble is back.');
}

export function refuseReasonMissing(what: string): ReturnType<typeof refuse> {
  return refuse('reason-missing', `${what} needs a reason.`, 'Say it again with a reason.');
}

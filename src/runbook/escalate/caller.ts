import type { Incident } from '../incident/incident.ts';
import type { IncidentView } from '../incidents/incidents.ts';

/** Calls people for incidents, as their policies say. Only whoever tends the incidents calls. */
export interface Escalator {
  /**
   * Does what is due for an incident: the policy's steps and those asked for by hand, the pager's state, a question
   * to somebody who has it and went quiet. Writes to the journal before and after each, so that nothing is lost and
   * nothing is sent twice. Returns the incident as it then stands, within seconds: a call that takes longer goes on. What Slack or the pager refuse is written down and
   * tried again; throws only JournalUnavailable.
   */
  advance(view: IncidentView): Promise<Incident>;
}

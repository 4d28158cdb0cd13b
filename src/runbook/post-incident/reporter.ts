import type { Incident } from '../incident/incident.ts';

/** What is left to do when an incident is over. Only whoever tends the incidents does it. */
export interface Reporter {
  /**
   * Does what is due for a resolved incident: its report once, and the open items of its checklist once after some
   * days. Returns the incident as it then stands. What Slack refuses is tried again; throws only JournalUnavailable.
   */
  advance(incident: Incident): Promise<Incident>;
}

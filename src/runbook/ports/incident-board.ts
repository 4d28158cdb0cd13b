import type { IncidentView } from '../incidents/incidents.ts';
import type { Incident } from '../incident/incident.ts';
import type { Place } from '../snapshot/ports.ts';
import type { IncidentReport } from '../post-incident/report.ts';

/** Where people see incidents: one message each, and its thread. */
export interface IncidentBoard {
  /**
   * Shows an incident as it now stands: its message is posted or edited, and notes the thread has not heard yet are
   * told there, in order. Returns at once and never throws; what happens while Slack is slow is gathered.
   */
  show(view: IncidentView): void;
  /** Posts the report into the thread, as text and as a file. Once: a second call finds the first one's. Rejects as Slack does. */
  report(incident: Incident, report: IncidentReport): Promise<void>;
  /** Asks for what is still open of a checklist, in the thread. Once for each `key`. Rejects as Slack does. */
  ask(
    incident: Incident,
    question: { readonly key: string; readonly sentence: string },
  ): Promise<void>;
  /** Another process tends the incidents, or may: nothing is said until something is shown again, and looked up first. */
  doubt(): void;
  placeOf(incident: string): Promise<Place | undefined>;
  /** Resolves once Slack has heard everything, or when the time is up. */
  idle(withinMs: number): Promise<void>;
}

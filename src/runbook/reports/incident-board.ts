import type { Place } from '../approvals/notices.ts';
import type { Incident } from '../incidents/incident.ts';
import type { IncidentView } from '../incidents/incidents.ts';
import type { IncidentReport } from './report.ts';

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
  /** Another process leads, or may: nothing is said until something is shown again, and looked up first. */
  doubt(): void;
  placeOf(incident: string): Promise<Place | undefined>;
  /** Resolves once Slack has heard everything, or when the time is up. */
  idle(withinMs: number): Promise<void>;
}

/**
 * Where an incident's message stands and how much of its timeline the thread was told, so that another process can
 * go on writing it. Everything throws JournalUnavailable.
 */
export interface IncidentMarks {
  readMark(incident: string): Promise<IncidentMark | undefined>;
  /**
   * For a message that was posted instead of one that is gone, `insteadOf` names that one. Where two processes post a
   * first message at the same time, the one that is recorded first holds.
   */
  writeMark(incident: string, mark: IncidentMark, insteadOf: Place | undefined): Promise<void>;
}

export interface IncidentMark {
  readonly place: Place;
  /** The journal's number of the last note the thread was told; 0 for none. */
  readonly upTo: number;
  /** The time stamp of the last reply that told any: what was said after it is searched for there. */
  readonly lastTs: string | null;
}

import type { Action } from '../remedies/action.ts';
import type { ApprovalRequest } from '../approval/request.ts';
import type { Incident, IncidentState } from '../incident/incident.ts';
import type { KeptNote } from '../incident/note.ts';
import type { Holder, JournalDraft } from '../snapshot/ports.ts';

/** The part of the journal that keeps incidents. Everything throws JournalUnavailable when it cannot read or write. */
export interface IncidentLog {
  /** `busy`: the target has an open incident already, and nothing was written. */
  openIncident(incident: Incident, entry: JournalDraft): Promise<'opened' | 'busy'>;
  readIncident(id: string): Promise<Incident | undefined>;
  /** The newest first, at most `limit`. */
  listIncidents(query: IncidentQuery): Promise<readonly Incident[]>;
  /**
   * Replaces the incident stored with version `from` by `to`, together with its entry, or does nothing:
   * `changed` when somebody was quicker, `busy` when it would be a second open one of its target.
   */
  moveIncident(
    from: number,
    to: Incident,
    entry: JournalDraft,
  ): Promise<'moved' | 'changed' | 'busy'>;
  /** The incident's notes after that entry, in order. Entries of other kinds are left out. */
  readNotes(incident: string, afterSeq: number): Promise<readonly KeptNote[]>;
  /** Requests of a target that were proposed at or after that moment (UTC ISO text), oldest first. */
  readRequestsSince(query: {
    readonly target: string;
    readonly since: string;
    readonly option?: Action;
  }): Promise<readonly ApprovalRequest[]>;
  readTime(): Promise<JournalTime>;
  /**
   * One of the processes that share a journal tends the incidents: it looks, writes to Slack and calls people, so
   * that nothing is said twice. True while that is this holder, who renews by asking again; whoever lets the
   * holder's time pass loses it.
   */
  takeLead(holder: Holder): Promise<boolean>;
  /** Lets another process take over at once. */
  endLead(holder: Holder): Promise<void>;
}

/** By the journal's own clock. */
export interface JournalTime {
  /** Since the epoch. */
  readonly nowMs: number;
  /** False where an incident is open and somebody may have set that clock since it began. */
  readonly isSteady: boolean;
}

export interface IncidentQuery {
  readonly states: readonly IncidentState[];
  readonly target?: string;
  /** Opened at or after that moment, UTC ISO text. */
  readonly since?: string;
  readonly limit: number;
}

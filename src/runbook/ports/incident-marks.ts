import type { Place } from '../ports.ts';

/**
 * Where an incident's message stands and how much of its timeline the thread was told, so that another process can
 * go on writing it. Everything throws JournalUnavailable.
 */
export interface IncidentMarks {
  readMark(incident: string): Promise<IncidentMark | undefined>;
  writeMark(incident: string, mark: IncidentMark): Promise<void>;
}

export interface IncidentMark {
  readonly place: Place;
  /** The journal's number of the last note the thread was told; 0 for none. */
  readonly upTo: number;
  /** The time stamp of the last reply that told any: what was said after it is looked for there. */
  readonly lastTs: string | null;
}

import type { Place } from '../snapshot/ports.ts';

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
  /** The time stamp of the last reply that told any: what was said after it is looked for there. */
  readonly lastTs: string | null;
}

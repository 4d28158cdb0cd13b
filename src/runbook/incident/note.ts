import type { Actor } from '../approval/actor.ts';
import type { JournalDraft } from '../snapshot/ports.ts';

/** What can happen to an incident: the kinds of its journal entries. */
export const noteKinds = [
  'incident-opened',
  'incident-joined',
  'incident-alert-ended',
  /** A look saw something else than the look before: another cause, another state, a new peak. */
  'incident-seen',
  'incident-assigned',
  'incident-silenced',
  'incident-unsilenced',
  'incident-merged',
  'incident-resolved',
  'incident-reopened',
  /** Something about a request on its target: proposed, approved, run, verified. */
  'incident-request',
  'incident-escalating',
  'incident-escalated',
  /** A step that fell due and was not taken in time. */
  'incident-overdue',
  'incident-paged',
  'incident-reported',
  'incident-ticked',
  'incident-asked',
  /** Its bundle was written; the sentence carries the head that proves it later. */
  'incident-sealed',
  /** Of no incident: an alert that fits no target was told in the channel. */
  'incident-unplaced',
] as const;
export type NoteKind = (typeof noteKinds)[number];

/** A line of an incident's timeline: the journal keeps it, the thread and the report show it. */
export interface Note {
  readonly kind: NoteKind;
  /** Figures, configured names and mentions as `<@U…>` only. Null where the thread need not hear of it. */
  readonly sentence: string | null;
  /** What somebody wrote. Untrusted text. */
  readonly quote?: string | null;
  readonly by?: Actor;
  /** For the report and the replay; redacted. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** A note as the journal gives it back. */
export interface KeptNote extends Note {
  /** The journal's number of it: what was told is told up to a number. */
  readonly seq: number;
  /** UTC ISO text. */
  readonly at: string;
}

export function toDraft(incident: string, { kind, ...body }: Note): JournalDraft {
  return { incident, kind, body };
}

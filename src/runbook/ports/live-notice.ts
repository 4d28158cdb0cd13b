import type { Announcement, Place } from '../snapshot/ports.ts';

interface Notice extends Pick<Announcement, 'to' | 'headline' | 'quote'> {
  /** Of two processes that show one with the same key, since that moment (UTC ISO text), the first message remains. */
  readonly key: string;
  readonly since: string;
}

/** A message in a channel that is edited as things change. */
export interface LiveNotice {
  /** Edits the message at that place; posts a new one where it is gone or there is none. Returns where it is. */
  show(notice: Notice, place?: Place): Promise<Place>;
}

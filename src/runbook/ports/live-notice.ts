import type { Announcement, Place } from '../ports.ts';

/** A message in a channel that is edited as things change. */
export interface LiveNotice {
  /** Edits the message at that place; posts a new one where it is gone or there is none. Returns where it is. */
  show(notice: Pick<Announcement, 'to' | 'headline' | 'quote'>, place?: Place): Promise<Place>;
}

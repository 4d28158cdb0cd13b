import type { Stop } from './journal.ts';

/** What everybody in the incident channel has to know of an emergency stop. */
export function stopNotice({ by, reason, lift }: Stop): Pick<Announcement, 'headline' | 'quote'> {
  const headline =
    lift === undefined
      ? `All changes are stopped by ${by}: an approver can resume them with /dbconn go.`
      : `All changes are stopped by ${by}. ${lift}`;
  return { headline, quote: reason === '' ? null : reason };
}

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

/** Where the message about a request stands, so that another process can go on writing it. */
export interface Places {
  readPlace(request: string): Promise<Place | undefined>;
  /**
   * Records a place where none was, or instead of one that is gone. Returns the place that holds: where two processes
   * record one at the same time, the first of the two.
   */
  writePlace(request: string, place: Place, insteadOf: Place | undefined): Promise<Place>;
}

export interface Place {
  readonly channel: string;
  /** The message's time stamp, which is its id in that channel. */
  readonly ts: string;
}

/** Where people hear of something: Slack's channels and direct messages. */
export interface Announcements {
  announce(announcement: Announcement): Promise<void>;
}

export interface Announcement {
  /** `C…` a channel, `U…` or `W…` a person's direct messages. */
  readonly to: string;
  /** A person or group to mention in it. */
  readonly mention: string | null;
  /** Figures, Slack ids and configured names only. */
  readonly headline: string;
  /** What somebody wrote. Untrusted text. */
  readonly quote: string | null;
  /** Into this message's thread, and not only there. */
  readonly thread?: string;
  /** Travels in the message, unseen, so that it can be told whether it stands there already. */
  readonly key?: string;
  /** It may have been sent before a crash: look for its key first, where Slack lets dbconn read. */
  readonly mayStand?: boolean;
}

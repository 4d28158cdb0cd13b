/** What Slack knows of people and user groups at this moment; at most a minute old. Never throws. */
export interface People {
  /** What a person, by Slack user id, is in the workspace dbconn is installed in. */
  readStanding(user: string): Promise<Looked<Standing>>;
  /** The user ids in a user group `S…`. */
  readGroup(group: string): Promise<Looked<readonly string[]>>;
}

/** Only a member may decide anything. A stranger belongs to another workspace, as in a shared channel. */
export type Standing = 'member' | 'guest' | 'bot' | 'deactivated' | 'stranger';

/** `why` and `fix` are sentences without text from elsewhere. What could not be looked up is a no. */
export type Looked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string; readonly fix: string };

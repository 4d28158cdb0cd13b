/** What Slack knows of people and user groups at this moment. Never throws. */
export interface People {
  /** A person, by any Slack user id of theirs. */
  readPerson(user: string): Promise<Lookup<Person>>;
  /** The user ids in a user group `S…`. */
  readGroup(group: string): Promise<Lookup<readonly string[]>>;
}

export interface Person {
  /** The same for every id a person has: an Enterprise Grid knows one by `U…` and by `W…`. */
  readonly id: string;
  /** What they are in the workspace dbconn is installed in. */
  readonly standing: Standing;
}

/** Only a member may decide anything. A stranger belongs to another workspace, as in a shared channel. */
export type Standing = 'member' | 'guest' | 'bot' | 'deactivated' | 'stranger';

/** `why` and `fix` are sentences without text from elsewhere. What could not be looked up is a no. */
export type Lookup<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string; readonly fix: string };

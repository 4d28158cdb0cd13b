import type { Action } from '../remedies/action.ts';

/** A remedy that will not help, because it already did not. */
export interface Ineffective {
  readonly option: Action;
  /** The service or application it was for; null where it was for none. */
  readonly subject: string | null;
  /** `The third kill in 20 minutes for backend will not help: it opens 3 a minute; resize or restart it.` */
  readonly sentence: string;
}

import { SlackRefusal } from './slack-refusal.ts';

/** What goes wrong with the next calls of one method. */
export type Interference =
  /** 429 with Retry-After, whatever the real limit says. */
  | { readonly kind: 'ratelimited'; readonly retryAfterSeconds: number }
  /** One of Slack's error words, for instance `internal_error` or `fatal_error`. */
  | { readonly kind: 'refused'; readonly error: string }
  /** Slack's front door answers with this status instead of Slack. */
  | { readonly kind: 'unreachable'; readonly status: 500 | 502 | 503 }
  /** The call is carried out, and the connection ends before the answer is out. */
  | { readonly kind: 'answer-lost' };

export interface Interferences {
  /** The next `times` calls of the method go wrong in this way; 0 times ends it. */
  set(method: string, interference: Interference, times: number): void;
  /** Counts one call and says what happens to it. */
  take(method: string): Interference | undefined;
}

/** Faults on demand: what the limits alone would take hundreds of calls to bring about. */
export function createInterferences(): Interferences {
  const pending = new Map<string, { readonly interference: Interference; times: number }>();
  return {
    set(method, interference, times) {
      if (times > 0) pending.set(method, { interference, times });
      else pending.delete(method);
    },
    take(method) {
      const entry = pending.get(method);
      if (entry === undefined) return undefined;
      entry.times -= 1;
      if (entry.times === 0) pending.delete(method);
      return entry.interference;
    },
  };
}

/** @throws SlackRefusal for the faults that Slack itself reports. */
export function refuseByInterference(interference: Interference | undefined): void {
  if (interference?.kind === 'ratelimited') {
    const { retryAfterSeconds } = interference;
    throw new SlackRefusal('ratelimited', { retryAfterSeconds });
  }
  if (interference?.kind === 'refused') throw new SlackRefusal(interference.error);
}

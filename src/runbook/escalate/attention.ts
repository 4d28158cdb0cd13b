import type { Incident } from '../incident/incident.ts';
import type { KeptNote } from '../incident/note.ts';

/** Whether whoever has an incident is at work on it. */
export interface Attention {
  /** Somebody has it, and was not asked in vain. */
  readonly isAttended: boolean;
  /** What to ask them now; null while nothing is to be asked. */
  readonly ask: Question | null;
}

export interface Question {
  /** The same for the same question after a restart. */
  readonly key: string;
  /** From 1. */
  readonly number: number;
  readonly quietForMs: number;
}

export const mostQuestions = 3;
/** What marks a note as a question to the assignee; the checklist asks too. */
export const asksAssignee = 'assignee';

export interface AttentionAt {
  readonly nowMs: number;
  readonly askAgainAfterMs: number;
}

/**
 * Reads it off the incident's notes: what a person did, and what a request came to, is a sign of work. Whoever gives
 * none for `askAgainAfterMs` is asked, three times at most; after that the policy goes on as if nobody had it.
 */
export function readAttention(
  { assignee, id }: Pick<Incident, 'assignee' | 'id'>,
  notes: readonly KeptNote[],
  { nowMs, askAgainAfterMs }: AttentionAt,
): Attention {
  if (assignee === null) return { isAttended: false, ask: null };
  const signs = notes.filter(isSignOfWork).map(({ at }) => Date.parse(at));
  const activeAtMs = Math.max(Date.parse(assignee.at), ...signs);
  const asked = notes
    .filter(({ kind, facts }) => kind === 'incident-asked' && facts?.['asks'] === asksAssignee)
    .map(({ at }) => Date.parse(at))
    .filter((at) => at > activeAtMs);
  if (nowMs - Math.max(activeAtMs, ...asked) < askAgainAfterMs) {
    return { isAttended: true, ask: null };
  }
  const number = asked.length + 1;
  if (number > mostQuestions) return { isAttended: false, ask: null };
  const key = `${id}/asked/${activeAtMs}/${number}`;
  return { isAttended: true, ask: { key, number, quietForMs: nowMs - activeAtMs } };
}

function isSignOfWork({ kind, by }: KeptNote): boolean {
  return kind === 'incident-request' || (by !== undefined && by.via !== 'timer');
}

import type { Incident } from '../incident/incident.ts';
import type { KeptNote } from '../incident/note.ts';

/** Whether whoever has an incident is at work on it. */
export interface Attention {
  /** Somebody has it, and was not asked in vain. */
  readonly isWorkedOn: boolean;
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

const mostQuestions = 3;
/** What marks a note as a question to the assignee; the checklist asks too. */
export const asksAssignee = 'assignee';

/** What an incident's notes say of whoever has it, so that no note is read twice. */
export interface Activity {
  /** The journal's number of the last note that is counted in. */
  readonly upTo: number;
  /** When somebody last worked on it; 0 while nobody has. */
  readonly workedAtMs: number;
  /** When the assignee was asked since then. */
  readonly askedAtMs: readonly number[];
}

export const noActivity: Activity = { upTo: 0, workedAtMs: 0, askedAtMs: [] };

/** Counts further notes in. What a person did, and what a request came to, is a sign of work. */
export function addActivity(before: Activity, notes: readonly KeptNote[]): Activity {
  const worked = notes.filter(isActivity).map(({ at }) => Date.parse(at));
  const workedAtMs = Math.max(before.workedAtMs, ...worked);
  const asked = notes
    .filter(({ kind, facts }) => kind === 'incident-asked' && facts?.['asks'] === asksAssignee)
    .map(({ at }) => Date.parse(at));
  return {
    upTo: notes.at(-1)?.seq ?? before.upTo,
    workedAtMs,
    askedAtMs: [...before.askedAtMs, ...asked].filter((at) => at > workedAtMs),
  };
}

interface AttentionAt {
  readonly nowMs: number;
  readonly askAgainAfterMs: number;
}

/**
 * Whoever gives no sign of work for `askAgainAfterMs` is asked, three times at most; after that the policy goes on as
 * if nobody had it.
 */
export function readAttention(
  { assignee, id }: Pick<Incident, 'assignee' | 'id'>,
  activity: Activity,
  { nowMs, askAgainAfterMs }: AttentionAt,
): Attention {
  if (assignee === null) return { isWorkedOn: false, ask: null };
  const activeAtMs = Math.max(Date.parse(assignee.at), activity.workedAtMs);
  const asked = activity.askedAtMs.filter((at) => at > activeAtMs);
  if (nowMs - Math.max(activeAtMs, ...asked) < askAgainAfterMs) {
    return { isWorkedOn: true, ask: null };
  }
  const number = asked.length + 1;
  if (number > mostQuestions) return { isWorkedOn: false, ask: null };
  const key = `${id}/asked/${activeAtMs}/${number}`;
  return { isWorkedOn: true, ask: { key, number, quietForMs: nowMs - activeAtMs } };
}

function isActivity({ kind, by }: KeptNote): boolean {
  return kind === 'incident-request' || (by !== undefined && by.via !== 'timer');
}

import type { ApprovalRequest } from '../approval/request.ts';
import { durationOfSeconds } from '../snapshot/words.ts';
import type { Incident } from '../incident/incident.ts';
import { findDue } from './find-due.ts';
import { findReasons } from './find-reasons.ts';
import type { Escalation } from './policy.ts';
import { roleName } from './wording.ts';

/** A call that should have been made. */
export interface Overdue {
  readonly incident: Incident;
  readonly escalation: Escalation;
  readonly sentence: string;
}

/** What the auditor itself has seen to be due, and since when. By incident and step. */
export type KnownDue = Map<string, number>;

interface Audit {
  readonly nowMs: number;
  readonly overdueAfterMs: number;
}

/**
 * The calls of an incident that were due for longer than they may be, by the journal alone: without a look only
 * those reasons count that the journal knows. Time counts from when they were first seen to be due, so that a step
 * that fell due while dbconn was down, or stood behind a silence, is late only where nobody makes it now.
 */
export function findOverdue(
  incident: Incident,
  requests: readonly ApprovalRequest[],
  { knownDue, at: { nowMs, overdueAfterMs } }: { readonly knownDue: KnownDue; readonly at: Audit },
): Overdue[] {
  const view = { incident, diagnosis: null, requests, ineffective: [] };
  const isWorkedOn = incident.assignee !== null;
  const reasons = findReasons(view, nowMs);
  const due = findDue(incident, reasons, { nowMs, judgedAtMs: null, isWorkedOn });
  return due.flatMap((escalation) => {
    const key = keyOf(incident, escalation);
    const sinceMs = knownDue.get(key) ?? nowMs;
    knownDue.set(key, sinceMs);
    if (nowMs - sinceMs < overdueAfterMs) return [];
    return [{ incident, escalation, sentence: toSentence(incident, escalation, nowMs - sinceMs) }];
  });
}

export function keyOf({ id }: Incident, escalation: Pick<Escalation, 'id'>): string {
  return `${id}/${escalation.id}`;
}

function toSentence(
  { target }: Incident,
  { who, state, tries }: Escalation,
  lateMs: number,
): string {
  const late = `has been due for ${durationOfSeconds(lateMs / 1000)} and is not made`;
  const why = state === 'failed' && tries > 0 ? ': it was tried and refused' : '';
  return `${target}: the call to ${roleName(who)} ${late}${why}. Call by hand.`;
}

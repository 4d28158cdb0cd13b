import type { ApprovalRequest } from '../../approval/request.ts';
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import type { Item } from '../../remedies/report.ts';
import type { IncidentView } from '../../incidents/incidents.ts';
import { lifeStartMs } from '../life.ts';

/** What the runbook's five reasons are judged by. */
export interface ReasonCase {
  readonly nowMs: number;
  /** Since when the incident stands, or stands again. */
  readonly sinceMs: number;
  /** Null before the first look after a start: then only what the journal says counts. */
  readonly diagnosis: Diagnosis | null;
  /** The latest look says that it is not over. */
  readonly isInTrouble: boolean;
  /** Of the present life of the incident, oldest first. */
  readonly requests: readonly ApprovalRequest[];
  readonly ineffective: IncidentView['ineffective'];
}

/** A reason's evidence: a sentence of figures and configured names, or null where it does not hold. */
export type JudgeReason = (reasonCase: ReasonCase) => string | null;

export function toReasonCase(view: IncidentView, nowMs: number): ReasonCase {
  const { incident, diagnosis, requests, ineffective } = view;
  const sinceMs = lifeStartMs(incident);
  const state = diagnosis?.state ?? incident.last?.state ?? 'unknown';
  return {
    nowMs,
    sinceMs,
    diagnosis,
    isInTrouble: state !== 'fine',
    // A proposal that was made before the incident came back may end after it did.
    requests: requests.filter((request) => lastTouchMs(request) >= sinceMs),
    ineffective,
  };
}

function lastTouchMs({ proposedAt, result }: ApprovalRequest): number {
  return Date.parse(result?.endedAt ?? proposedAt);
}

/** `pid 4711` or a container's name, told by the request's report. */
export function outcomesOf({ result }: ApprovalRequest): ReadonlyMap<string, Item['outcome']> {
  return new Map(result?.report.items.map(({ what, outcome }) => [what, outcome]));
}

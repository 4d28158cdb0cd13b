import { z } from 'zod';
import { Actor } from '../approvals/request.ts';
import type { Severity } from '../diagnose/diagnosis.ts';

/** The runbook's contacts, as they are typed: `/dbconn escalate backend-lead it fills again`. */
export const escalationRoles = ['database-admins', 'backend-lead', 'on-call'] as const;
export const EscalationRole = z.enum(escalationRoles);
export type EscalationRole = z.infer<typeof EscalationRole>;

/** How a contact is called within a sentence. */
export const roleNames: Readonly<Record<EscalationRole, string>> = {
  'database-admins': 'the database admins',
  'backend-lead': 'the backend lead',
  'on-call': 'the on-call engineer',
};

/** The runbook's five reasons to escalate, in its order. */
export const reasonNames = [
  'source-not-identified',
  'persists-after-remedy',
  'needs-configuration-change',
  'data-integrity',
  'several-applications',
] as const;
export const ReasonName = z.enum(reasonNames);
export type ReasonName = z.infer<typeof ReasonName>;

export const EscalationReason = z.strictObject({
  name: ReasonName,
  /** Its evidence in a sentence of figures and configured names. */
  sentence: z.string(),
});
export type EscalationReason = z.infer<typeof EscalationReason>;

/** One step of a policy: who is called, how long after the incident opened, and for which reasons. */
export const EscalationStep = z.strictObject({
  who: EscalationRole,
  afterMs: z.number().int().min(0),
  /** Any of these; with none of them named, whenever the incident is still open then. */
  when: z.array(ReasonName),
  /** Not while somebody has the incident: they know. */
  unlessAssigned: z.boolean(),
});
export type EscalationStep = z.infer<typeof EscalationStep>;

/** One call for help, from the moment it fell due. */
export const Escalation = z.strictObject({
  /** `step-0`, `step-0-1` in an incident that came back once, or `hand-` and a number for one that somebody asked for. */
  id: z.string(),
  who: EscalationRole,
  /** The runbook's methods: #database, a direct message, the pager. Decided when it is sent. */
  via: z.enum(['channel', 'direct', 'pager']),
  dueAt: z.string(),
  /** `sending` is written before the call: after a crash nobody knows whether it went out. */
  state: z.enum(['sending', 'sent', 'failed']),
  sentAt: z.string().nullable(),
  tries: z.number().int(),
  reasons: z.array(EscalationReason),
  /** Who asked for it by hand, and why: untrusted text. */
  by: Actor.nullable(),
  quote: z.string().nullable(),
});
export type Escalation = z.infer<typeof Escalation>;

/** When trouble is an incident, and for how long. Every duration is in milliseconds. */
export interface IncidentRules {
  /** Whether dbconn watches all targets by itself. Without it only those with an open incident are checked. */
  readonly watch: boolean;
  /** Between two checks at one target. */
  readonly checkEveryMs: number;
  /** How long checks must say critical before the watch opens an incident. */
  readonly openAfterMs: number;
  /** How long every check must say that it is over before an incident is. */
  readonly closeAfterMs: number;
  /** What comes back within this time is the same incident. */
  readonly reopenWithinMs: number;
  /** Somebody has it and nothing happened for this long: they are asked. */
  readonly askAgainAfterMs: number;
  /** A step that is this late was missed: the auditor says so. */
  readonly overdueAfterMs: number;
  /** Open items of the checklist are asked for this long after the end. */
  readonly checklistAfterMs: number;
  /** The alerts dbconn minds, by name, with the severity of those that carry none. */
  readonly alerts: ReadonlyMap<string, Severity>;
}

export const defaultIncidentRules: IncidentRules = {
  watch: true,
  checkEveryMs: 15_000,
  openAfterMs: 30_000,
  closeAfterMs: 2 * 60_000,
  reopenWithinMs: 30 * 60_000,
  askAgainAfterMs: 30 * 60_000,
  overdueAfterMs: 60_000,
  checklistAfterMs: 2 * 86_400_000,
  alerts: new Map([
    ['DatabaseConnectionPoolExhausted', 'critical'],
    ['SQLAlchemyPoolExhausted', 'warning'],
    // From deploy/: the exporter itself gets no connection, which makes the first of these vanish.
    ['DatabaseConnectionPoolUnobservable', 'critical'],
  ]),
};

export interface Silence {
  /** At most a week. */
  readonly forMs: number;
  readonly reason: string;
}

export interface EscalationRequest {
  readonly role: EscalationRole;
  readonly reason: string;
}

import type { KeptNote } from '../incidents/incident-log.ts';
import { lifeStartMs, stepId } from '../incidents/incident.ts';
import type { Incident } from '../incidents/incident.ts';
import type { Escalation, EscalationReason, EscalationStep } from '../incidents/rules.ts';
import type { Contacts } from '../snapshot/target.ts';

/** Whether the owner of an incident is at work on it. */
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

/** What an incident's notes say of its owner, so that no note is read twice. */
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
 * An owner who gives no sign of work for `askAgainAfterMs` is asked, three times at most; after that the policy goes on as
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

const minuteMs = 60_000;

/** What decides whom an incident calls; `steps` where dbconn.yml has its own. */
interface PolicySource {
  readonly steps: readonly EscalationStep[] | undefined;
  readonly contacts: Contacts;
  readonly canPage: boolean;
}

/** The policy an incident of a target opens with. */
export function policyOf({ steps, contacts, canPage }: PolicySource): EscalationStep[] {
  return steps === undefined ? defaultPolicy(contacts, canPage) : [...steps];
}

/**
 * The runbook's contacts in its order, as far as they are configured. The database admins after 5 minutes in which
 * nobody took it; the backend lead after 10 where the question is one about the applications; the on-call engineer
 * after 15 minutes in which nobody took it, and whether or not somebody has it where a remedy did not help.
 */
function defaultPolicy(contacts: Contacts, canPage: boolean): EscalationStep[] {
  const { databaseAdmins, backendLead, onCall } = contacts;
  const canCall = canPage || onCall !== undefined;
  return [
    ...(databaseAdmins === undefined ? [] : [admins]),
    ...(backendLead === undefined ? [] : [lead]),
    ...(canCall ? [onCallAlone, onCallForGood] : []),
  ];
}

const admins: EscalationStep = {
  who: 'database-admins',
  afterMs: 5 * minuteMs,
  when: [],
  unlessAssigned: true,
};

const lead: EscalationStep = {
  who: 'backend-lead',
  afterMs: 10 * minuteMs,
  when: ['source-not-identified', 'data-integrity', 'several-applications'],
  unlessAssigned: false,
};

const onCallAlone: EscalationStep = {
  who: 'on-call',
  afterMs: 15 * minuteMs,
  when: [],
  unlessAssigned: true,
};

/** The owner has tried, and it goes on. */
const onCallForGood: EscalationStep = {
  who: 'on-call',
  afterMs: 30 * minuteMs,
  when: ['persists-after-remedy'],
  unlessAssigned: false,
};

interface DueAt {
  readonly nowMs: number;
  /** When this process judged the incident before; null after a start. What was not due then is due since. */
  readonly judgedAtMs: number | null;
  /** Somebody has the incident, and answers. */
  readonly isWorkedOn: boolean;
}

/**
 * The calls that have to be made now, in order: steps of the policy that fell due, and those that were begun or
 * failed and are still wanted. Nobody is called by a policy while an incident is silenced, for one that is over, or
 * for the mere age of one that is not critical. What a person asked for is made even in silence.
 */
export function findDue(
  incident: Incident,
  reasons: readonly EscalationReason[],
  at: DueAt,
): Escalation[] {
  if (incident.state !== 'open') return [];
  const byHand = incident.escalations.filter(
    ({ by, state, dueAt }) =>
      by !== null && state !== 'sent' && Date.parse(dueAt) >= lifeStartMs(incident),
  );
  if (isSilenced(incident, at.nowMs)) return byHand;
  const steps = incident.policy.flatMap((step, index) => {
    const due = toDue(incident, { step, id: stepId(index, incident), reasons }, at);
    return due === null ? [] : [due];
  });
  return [...steps, ...byHand].toSorted((a, b) => Date.parse(a.dueAt) - Date.parse(b.dueAt));
}

export function isSilenced({ silence }: Pick<Incident, 'silence'>, nowMs: number): boolean {
  return silence !== null && Date.parse(silence.until) > nowMs;
}

interface Candidate {
  readonly step: EscalationStep;
  readonly id: string;
  readonly reasons: readonly EscalationReason[];
}

function toDue(incident: Incident, { step, id, reasons }: Candidate, at: DueAt): Escalation | null {
  const begun = incident.escalations.find((escalation) => escalation.id === id);
  const isSkipped = step.unlessAssigned && at.isWorkedOn;
  if (begun?.state === 'sent' || isSkipped) return null;
  if (begun !== undefined) return begun;
  const scheduledMs = lifeStartMs(incident) + step.afterMs;
  const holding = reasons.filter(({ name }) => step.when.includes(name));
  // The age of an incident alone wakes nobody unless it is critical: it stands in the channel for those who read there.
  const holds = step.when.length === 0 ? incident.severity === 'critical' : holding.length > 0;
  if (!holds || scheduledMs > at.nowMs) return null;
  return {
    id,
    who: step.who,
    via: 'channel',
    dueAt: new Date(dueSince(incident, step, at)).toISOString(),
    state: 'sending',
    sentAt: null,
    tries: 0,
    reasons: [...reasons],
    by: null,
    quote: null,
  };
}

/** A step that waited for a reason, a silence or somebody's answer is not late: it is due since that ended. */
function dueSince(incident: Incident, { afterMs, when }: EscalationStep, at: DueAt): number {
  const { nowMs, judgedAtMs } = at;
  const scheduledMs = lifeStartMs(incident) + afterMs;
  if (judgedAtMs === null && when.length > 0) return nowMs;
  const silencedUntilMs = Date.parse(incident.silence?.until ?? incident.openedAt);
  return Math.min(nowMs, Math.max(scheduledMs, judgedAtMs ?? scheduledMs, silencedUntilMs));
}

import { z } from 'zod';
import { Actor, Closing } from '../approvals/request.ts';
import { CauseName, ProposedOption, Severity } from '../diagnose/diagnosis.ts';
import { Escalation, EscalationStep } from './rules.ts';

/** The runbook's five post-incident items, in its order and its words. */
export const checklist = [
  { id: 'connection-patterns', title: 'Review connection patterns in logs' },
  { id: 'code-leaks', title: 'Check for connection leaks in code' },
  { id: 'pool-sizes', title: 'Validate pool size settings' },
  { id: 'pooler', title: 'Consider connection pooler (PgBouncer) if needed' },
  { id: 'thresholds', title: 'Update monitoring thresholds' },
] as const;

export const ChecklistItem = z.enum(checklist.map(({ id }) => id));
export type ChecklistItem = z.infer<typeof ChecklistItem>;

/** An item somebody did, and when. */
const Tick = z.strictObject({ item: ChecklistItem, by: Actor, at: z.string() });
type Tick = z.infer<typeof Tick>;

/** What says that a target is in trouble. An incident is over when none of these says so any more, and a check agrees. */
export const Trigger = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('alert'),
    /** The alert's name, such as DatabaseConnectionPoolExhausted. Configured, not untrusted. */
    name: z.string(),
    /** Of its labels, so that a second firing has the same one: only with `startsAt` it names one firing. */
    fingerprint: z.string(),
    startsAt: z.string(),
    /** Null while it fires. */
    endedAt: z.string().nullable(),
  }),
  z.strictObject({
    kind: z.literal('watch'),
    startsAt: z.string(),
    endedAt: z.string().nullable(),
  }),
  z.strictObject({
    kind: z.literal('person'),
    by: Actor,
    startsAt: z.string(),
    endedAt: z.string().nullable(),
    /** Untrusted text. */
    reason: z.string().nullable(),
  }),
]);
export type Trigger = z.infer<typeof Trigger>;

/** What one check said, as far as an incident remembers it. Figures and configured names only. */
export const Observation = z.strictObject({
  at: z.string(),
  state: z.enum(['fine', 'warning', 'critical', 'unknown']),
  headline: z.string(),
  verdict: z.string(),
  /** What a calm check finds is left from before: it keeps what the check before it said. */
  cause: CauseName.nullable(),
  /** Of the cause, 0 to 1; absent where there is none. */
  confidence: z.number().min(0).max(1).exactOptional(),
  /** Null where no capacity was seen. */
  capacity: z.strictObject({ used: z.number().int(), usable: z.number().int() }).nullable(),
  /** The remedy the diagnosis would try first. */
  option: ProposedOption.nullable(),
  subject: z.string().nullable(),
});
export type Observation = z.infer<typeof Observation>;

export const IncidentState = z.enum(['open', 'merged', 'resolved']);
export type IncidentState = z.infer<typeof IncidentState>;

/** Trouble with one target from the first alert to the last tick of its checklist. */
export const Incident = z.strictObject({
  /** `inc-` and letters: the only thing a button carries. */
  id: z.string().regex(/^inc-[0-9a-z]{6,20}$/),
  /** Counts every change; a change names the version it was made from. */
  version: z.number().int(),
  state: IncidentState,
  target: z.string(),
  openedAt: z.string(),
  /** The worst it ever was. */
  severity: Severity,
  /** At most 50; the oldest ended ones are forgotten first. */
  triggers: z.array(Trigger),
  assignee: z.strictObject({ by: Actor, at: z.string() }).nullable(),
  /** Nobody is called while it stands. */
  silence: z
    .strictObject({
      by: Actor,
      at: z.string(),
      until: z.string(),
      /** Untrusted text. */
      reason: z.string(),
    })
    .nullable(),
  /** The first check that saw trouble, and the latest that differed enough to be kept. */
  first: Observation.nullable(),
  last: Observation.nullable(),
  peak: z
    .strictObject({ at: z.string(), used: z.number().int(), usable: z.number().int() })
    .nullable(),
  /** Since when every check says that it is over; null while one does not. */
  calmSince: z.string().nullable(),
  closing: Closing.nullable(),
  /** The incident this one became a part of. */
  mergedInto: z.string().nullable(),
  /** When it came back after it was over. */
  reopenedAt: z.array(z.string()),
  /** Frozen when it opened: a later configuration changes nothing about whom this incident calls. */
  policy: z.array(EscalationStep),
  /** The policy's steps as they fell due, and those somebody asked for by hand. */
  escalations: z.array(Escalation),
  /** What the pager was told last; `triggered` also while nobody knows whether it took that. */
  pager: z.enum(['none', 'triggered', 'acknowledged', 'resolved']),
  /** When the report was posted. */
  reportedAt: z.string().nullable(),
  checklist: z.array(Tick),
  /** When its open items were asked for. */
  checklistAskedAt: z.string().nullable(),
});
export type Incident = z.infer<typeof Incident>;

/** Every legal transition. A resolved one still changes: its report, its checklist, and it may come back. */
const incidentSuccessors: Readonly<Record<IncidentState, readonly IncidentState[]>> = {
  open: ['open', 'merged', 'resolved'],
  merged: ['merged', 'resolved'],
  resolved: ['resolved', 'open'],
};

export type IncidentChange = Partial<Omit<Incident, 'id' | 'version' | 'state' | 'target'>>;

/** The incident one version later. Throws on a transition the table does not know: that is a fault of ours. */
export function advanceIncident(
  incident: Incident,
  state: IncidentState,
  change: IncidentChange = {},
): Incident {
  if (!incidentSuccessors[incident.state].includes(state)) {
    throw new Error(`An incident cannot go from ${incident.state} to ${state}.`);
  }
  return { ...incident, ...change, state, version: incident.version + 1 };
}

/** Since when an incident stands: an incident that came back lives once more, and calls people once more. */
export function lifeStartMs({
  openedAt,
  reopenedAt,
}: Pick<Incident, 'openedAt' | 'reopenedAt'>): number {
  return Date.parse(reopenedAt.at(-1) ?? openedAt);
}

/** `step-0`, and `step-0-1` after the incident came back: each life takes each step once. */
export function stepId(index: number, { reopenedAt }: Pick<Incident, 'reopenedAt'>): string {
  const lives = reopenedAt.length;
  return lives === 0 ? `step-${index}` : `step-${index}-${lives}`;
}

/** How a person is called in a sentence; Slack renders the mention as a name. */
export function actorName({ id, via }: Actor): string {
  if (via === 'slack') return `<@${id}>`;
  return via === 'terminal' ? 'somebody at the terminal' : 'dbconn';
}

type Observations = Pick<Incident, 'first' | 'last'>;

/** The check that knew best what the matter was: of two that are as sure, the first, from before anything was changed. */
export function bestDiagnosis({ first, last }: Observations): Observation | null {
  const [best = null] = [first, last]
    .filter((check) => check !== null)
    .filter(({ cause }) => cause !== null)
    .toSorted((a, b) => (b.confidence ?? 0) - (a.confidence ?? 0));
  return best;
}

/** What an incident is put down to, wherever it is named: on its message, in its report and in the history. */
export function causeOf(incident: Observations): CauseName | null {
  return bestDiagnosis(incident)?.cause ?? null;
}

const letters = 'abcdefghijkmnpqrstuvwxyz23456789';
/** 40 bits: enough to be its own name among all incidents a team will ever have, and short enough to be typed. */
const idLength = 8;

/** `inc-` and letters and digits that nobody mistakes for one another. */
function newIncidentId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(idLength));
  return `inc-${[...bytes].map((byte) => letters.charAt(byte % letters.length)).join('')}`;
}

interface Opening {
  readonly target: string;
  readonly at: string;
  readonly severity: Severity;
  readonly trigger: Trigger;
  readonly policy: readonly EscalationStep[];
}

export function newIncident({ target, at, severity, trigger, policy }: Opening): Incident {
  return {
    id: newIncidentId(),
    version: 1,
    state: 'open',
    target,
    openedAt: at,
    severity,
    triggers: [trigger],
    assignee: null,
    silence: null,
    first: null,
    last: null,
    peak: null,
    calmSince: null,
    closing: null,
    mergedInto: null,
    reopenedAt: [],
    policy: [...policy],
    escalations: [],
    pager: 'none',
    reportedAt: null,
    checklist: [],
    checklistAskedAt: null,
  };
}

const ranks: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

/** The worse of two. */
export function moreSevere(a: Severity, b: Severity): Severity {
  return ranks[a] >= ranks[b] ? a : b;
}

import type { Clock } from '../../timing.ts';
import type { Holder, Journal, JournalDraft } from '../approvals/journal.ts';
import type { LiveNotice } from '../approvals/notices.ts';
import type { People } from '../approvals/people.ts';
import { isOpen } from '../approvals/request.ts';
import type { Actor, ApprovalRequest } from '../approvals/request.ts';
import type { Action } from '../remedies/remedy-request.ts';
import type { Target } from '../snapshot/target.ts';
import type { Incident, IncidentState } from './incident.ts';
import type { EscalationStep, IncidentRules } from './rules.ts';

/** What can happen to an incident: the kinds of its journal entries. */
export const noteKinds = [
  'incident-opened',
  'incident-joined',
  'incident-alert-ended',
  /** A check saw something else than the check before: another cause, another state, a new peak. */
  'incident-seen',
  'incident-assigned',
  'incident-silenced',
  'incident-unsilenced',
  'incident-merged',
  'incident-resolved',
  'incident-reopened',
  /** Something about a request on its target: proposed, approved, run, verified. */
  'incident-request',
  'incident-escalating',
  'incident-escalated',
  /** A step that fell due and was not taken in time. */
  'incident-overdue',
  'incident-paged',
  'incident-reported',
  'incident-ticked',
  'incident-asked',
  /** Its bundle was written; the sentence carries the head that proves it later. */
  'incident-sealed',
  /** Of no incident: an alert that fits no target was told in the channel. */
  'incident-unplaced',
] as const;
export type NoteKind = (typeof noteKinds)[number];

/** A line of an incident's timeline: the journal keeps it, the thread and the report show it. */
export interface Note {
  readonly kind: NoteKind;
  /** Figures, configured names and mentions as `<@U…>` only. Null where the thread need not hear of it. */
  readonly sentence: string | null;
  /** What somebody wrote. Untrusted text. */
  readonly quote?: string | null;
  readonly by?: Actor;
  /** For the report and the replay; redacted. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** A note as the journal gives it back. */
export interface KeptNote extends Note {
  /** The journal's number of it: what was told is told up to a number. */
  readonly seq: number;
  /** UTC ISO text. */
  readonly at: string;
}

export function toDraft(incident: string, { kind, ...body }: Note): JournalDraft {
  return { incident, kind, body };
}

/** The part of the journal that keeps incidents. Everything throws JournalUnavailable when it cannot read or write. */
export interface IncidentLog {
  /** `busy`: the target has an open incident already, and nothing was written. */
  openIncident(incident: Incident, entry: JournalDraft): Promise<'opened' | 'busy'>;
  readIncident(id: string): Promise<Incident | undefined>;
  /** The newest first, at most `limit`. */
  listIncidents(query: IncidentQuery): Promise<readonly Incident[]>;
  /**
   * Replaces the incident stored with version `from` by `to`, together with its entry, or does nothing:
   * `changed` when somebody was quicker, `busy` when it would be a second open one of its target.
   */
  moveIncident(
    from: number,
    to: Incident,
    entry: JournalDraft,
  ): Promise<'moved' | 'changed' | 'busy'>;
  /** The incident's notes after that entry, in order. Entries of other kinds are left out. */
  readNotes(incident: string, afterSeq: number): Promise<readonly KeptNote[]>;
  /** Requests of a target that were proposed at or after that moment (UTC ISO text), oldest first. */
  readRequestsSince(query: {
    readonly target: string;
    readonly since: string;
    readonly option?: Action;
  }): Promise<readonly ApprovalRequest[]>;
  readTime(): Promise<JournalTime>;
  /**
   * One of the processes that share a journal leads: it alone checks, writes to Slack and calls people, so
   * that nothing is said twice. True while that is this holder, who renews by asking again; a holder that lets the
   * holder's time pass loses it.
   */
  takeLead(holder: Holder): Promise<boolean>;
  /** Lets another process take over at once. */
  endLead(holder: Holder): Promise<void>;
}

/** By the journal's own clock. */
export interface JournalTime {
  /** Since the epoch. */
  readonly nowMs: number;
  /** False where an incident is open and somebody may have set that clock since it began. */
  readonly isSteady: boolean;
}

export interface IncidentQuery {
  readonly states: readonly IncidentState[];
  readonly target?: string;
  /** Opened at or after that moment, UTC ISO text. */
  readonly since?: string;
  readonly limit: number;
}

interface Lifetime {
  readonly openedAt: string;
  /** Null while it is open. */
  readonly until: string | null;
}

/** Whether a request was alive at some moment between an incident's beginning and its end. */
export function belongs(request: ApprovalRequest, { openedAt, until }: Lifetime): boolean {
  const { closing, expiresAt, proposedAt, result } = request;
  if (until !== null && proposedAt > until) return false;
  const endedAt = result?.endedAt ?? closing?.at ?? expiresAt;
  return isOpen(request) || proposedAt >= openedAt || endedAt >= openedAt;
}

/** A request that was made shortly before the trouble was called an incident belongs to it. */
const beforeMs = 20 * 60_000;

/** The requests of an incident, oldest first: on its message, in its report and in its bundle they are the same. */
export async function readRequestsOf(
  log: Pick<IncidentLog, 'readRequestsSince'>,
  { closing, openedAt, state, target }: Incident,
): Promise<readonly ApprovalRequest[]> {
  const since = new Date(Date.parse(openedAt) - beforeMs).toISOString();
  const until = state === 'resolved' ? (closing?.at ?? null) : null;
  const proposed = await log.readRequestsSince({ target, since });
  return proposed.filter((request) => belongs(request, { openedAt, until }));
}

/** More would not fit a message, and nobody reads on. */
const mostListed = 50;
const everyState = ['open', 'merged', 'resolved'] as const;

/** Open ones, newest first. */
export function readOpen(log: Pick<IncidentLog, 'listIncidents'>): Promise<readonly Incident[]> {
  return log.listIncidents({ states: ['open'], limit: mostListed });
}

/** All, of one target where it is named, newest first. */
export function readHistory(
  log: Pick<IncidentLog, 'listIncidents'>,
  target: string | undefined,
): Promise<readonly Incident[]> {
  const about = target === undefined ? {} : { target };
  return log.listIncidents({ states: everyState, ...about, limit: mostListed });
}

/** The one that is meant by an id; without one the latest, of one target where it is named. */
export async function findReported(
  log: Pick<IncidentLog, 'listIncidents' | 'readIncident'>,
  { id, target }: { readonly id?: string | undefined; readonly target?: string | null | undefined },
): Promise<Incident | undefined> {
  if (id !== undefined) return log.readIncident(id);
  const about = target === undefined || target === null ? {} : { target };
  return (await log.listIncidents({ states: everyState, ...about, limit: 1 }))[0];
}

/** Whether the incident that a request was proposed in has ended, and none is open on its target. */
export async function isIncidentOver(
  log: Pick<IncidentLog, 'listIncidents'>,
  { target, proposedAt }: ApprovalRequest,
): Promise<boolean> {
  const [newest] = await log.listIncidents({ states: everyState, target, limit: 1 });
  if (newest?.state !== 'resolved' || newest.closing === null) return false;
  return newest.openedAt <= proposedAt && proposedAt <= newest.closing.at;
}

/** What the incidents need. */
export interface IncidentDeps {
  readonly log: IncidentLog & Pick<Journal, 'record'>;
  readonly clock: Clock;
  readonly targets: readonly Target[];
  readonly rules: IncidentRules;
  /** Whom an incident of that target calls; frozen into it when it opens. */
  readonly policyOf: (target: string) => readonly EscalationStep[];
  /** Asked at every decision of somebody in Slack. Without it nobody there can be looked up, and may only read. */
  readonly people?: People;
  /** Where alerts that fit no target are told, and in which channel. */
  readonly notice?: LiveNotice;
  readonly channel?: string;
  /** How often that message is edited at most; every 10 s unless given. */
  readonly noticeEveryMs?: number;
  /** Every change of an incident that was made here. Must not throw. */
  readonly onChange?: (incident: Incident) => void;
  /** What went wrong behind an answer that was already given. Must not throw. */
  readonly onFault?: (about: string, error: unknown) => void;
}

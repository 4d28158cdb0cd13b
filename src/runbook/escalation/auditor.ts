import { uptimeOf } from '../../timing.ts';
import { JournalUnavailable } from '../approvals/journal.ts';
import type { Holder } from '../approvals/journal.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import { addNote } from '../incidents/change.ts';
import type { IncidentLog } from '../incidents/incident-log.ts';
import { lifeStartMs } from '../incidents/incident.ts';
import type { Incident } from '../incidents/incident.ts';
import { roleNames } from '../incidents/rules.ts';
import type { Escalation, IncidentRules } from '../incidents/rules.ts';
import { durationOfSeconds } from '../snapshot/words.ts';
import { callChannelsTo } from './channels.ts';
import { contactsOf } from './escalator-deps.ts';
import type { EscalatorDeps } from './escalator-deps.ts';
import { findDue } from './policy.ts';
import { findReasons } from './reasons.ts';

/** A call that should have been made. */
interface Overdue {
  readonly incident: Incident;
  readonly escalation: Escalation;
  readonly sentence: string;
}

/** What the auditor itself has seen to be due, and since when. By incident and step. */
type KnownDue = Map<string, number>;

interface Audit {
  readonly nowMs: number;
  readonly overdueAfterMs: number;
}

/**
 * The calls of an incident that were due for longer than they may be, by the journal alone: without a check only
 * those reasons count that the journal knows. Time counts from when they were first seen to be due, so that a step
 * that fell due while dbconn was down, or stood behind a silence, is late only where nobody makes it now.
 */
function findOverdue(
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

function keyOf({ id }: Incident, escalation: Pick<Escalation, 'id'>): string {
  return `${id}/${escalation.id}`;
}

function toSentence(
  { target }: Incident,
  { who, state, tries }: Escalation,
  lateMs: number,
): string {
  const late = `is overdue by ${durationOfSeconds(lateMs / 1000)}`;
  const why = state === 'failed' && tries > 0 ? ': it was refused' : '';
  return `${target}: the escalation to ${roleNames[who]} ${late}${why}. Notify them yourself.`;
}

export interface AuditorDeps extends Pick<
  EscalatorDeps,
  'announcements' | 'channel' | 'clock' | 'meter' | 'targets'
> {
  readonly log: Pick<
    IncidentLog,
    | 'listIncidents'
    | 'readIncident'
    | 'moveIncident'
    | 'readNotes'
    | 'readRequestsSince'
    | 'takeLead'
    | 'endLead'
  >;
  readonly rules: Pick<IncidentRules, 'overdueAfterMs'>;
  /** Random, and not the id this process leads by: the auditor must not pass for the leader. */
  readonly holderId: string;
  /** Must not throw. */
  readonly onFault: (error: unknown) => void;
}

const mostIncidents = 200;
const hangs = 'Escalations cannot be verified: the journal or Slack does not answer.';
/** As long as a question takes; a process that wants to lead asks again each second anyhow. */
const probeForMs = 1;

/** Watches that calls for help are made. Runs in every process, also in one that does not lead. */
export class Auditor {
  readonly #deps: AuditorDeps;
  readonly #knownDue: KnownDue = new Map();
  /** Those it knows to be told: what stays overdue for hours would have its notes read at every round. */
  #told: ReadonlySet<string> = new Set();
  #complaints: readonly string[] = [];
  #leaderlessSinceMs: number | null = null;
  /** Since when a round goes on. */
  #beganAtMs: number | null = null;

  constructor(deps: AuditorDeps) {
    this.#deps = deps;
  }

  /** Reads the journal once, and not while a round goes on. Never throws: what it cannot read is a complaint. */
  async audit(): Promise<void> {
    const { log, clock, onFault } = this.#deps;
    if (this.#beganAtMs !== null) return;
    this.#beganAtMs = uptimeOf(clock);
    try {
      const open = await log.listIncidents({ states: ['open'], limit: mostIncidents });
      const found = await overdueOf(this.#deps, open, this.#knownDue);
      const sentences = found.map(({ sentence }) => sentence);
      this.#complaints = [...sentences, ...(await this.#leaderless(open.length))];
      this.#told = await tellAll(this.#deps, found, this.#told);
    } catch (error) {
      onFault(error);
      const why = error instanceof JournalUnavailable ? error.message : 'See the log.';
      this.#complaints = [`Incidents cannot be read, so there are no escalations. ${why}`];
    } finally {
      this.#beganAtMs = null;
    }
  }

  /** What is wrong now, in sentences, for the health endpoint. */
  overdue(): readonly string[] {
    const { clock, rules } = this.#deps;
    const hangsForMs = this.#beganAtMs === null ? 0 : uptimeOf(clock) - this.#beganAtMs;
    return hangsForMs < rules.overdueAfterMs ? this.#complaints : [...this.#complaints, hangs];
  }

  async #leaderless(open: number): Promise<string[]> {
    const { clock, rules } = this.#deps;
    if (open === 0 || (await isLedByAnybody(this.#deps))) {
      this.#leaderlessSinceMs = null;
      return [];
    }
    this.#leaderlessSinceMs ??= uptimeOf(clock);
    if (uptimeOf(clock) - this.#leaderlessSinceMs < rules.overdueAfterMs) return [];
    return [`No dbconn process handles open incidents (${open}). Restart dbconn and read its log.`];
  }
}

async function overdueOf(
  { log, clock, rules }: AuditorDeps,
  open: readonly Incident[],
  knownDue: KnownDue,
): Promise<Overdue[]> {
  const at = { nowMs: clock.now(), overdueAfterMs: rules.overdueAfterMs };
  const now = new Map(knownDue);
  knownDue.clear();
  const found: Overdue[] = [];
  for (const incident of open) {
    const since = new Date(lifeStartMs(incident)).toISOString();
    const requests = await log.readRequestsSince({ target: incident.target, since });
    const due: KnownDue = new Map(now);
    found.push(...findOverdue(incident, requests, { knownDue: due, at }));
    for (const [key, sinceMs] of due)
      if (key.startsWith(`${incident.id}/`)) knownDue.set(key, sinceMs);
  }
  return found;
}

/** Only a lease that nobody holds can be had; it is given back at once. */
async function isLedByAnybody({ log, holderId }: AuditorDeps): Promise<boolean> {
  const holder: Holder = { id: holderId, forMs: probeForMs };
  if (!(await log.takeLead(holder))) return true;
  await log.endLead(holder);
  return false;
}

/** Those of them that are told now. */
async function tellAll(
  deps: AuditorDeps,
  found: readonly Overdue[],
  before: ReadonlySet<string>,
): Promise<Set<string>> {
  const told = new Set<string>();
  for (const one of found) {
    const key = keyOf(one.incident, one.escalation);
    try {
      if (!before.has(key)) await tell(deps, one);
      told.add(key);
    } catch (error) {
      deps.onFault(error);
    }
  }
  return told;
}

/**
 * Once for each step, whichever process is first: the note is written when the channel has heard it, and the message
 * carries a key by which another process finds it standing there.
 */
async function tell(deps: AuditorDeps, { incident, escalation, sentence }: Overdue): Promise<void> {
  const { log, announcements, channel, meter } = deps;
  const step = escalation.id;
  const isTold = async (): Promise<boolean> => {
    const notes = await log.readNotes(incident.id, 0);
    return notes.some(({ kind, facts }) => kind === 'incident-overdue' && facts?.['step'] === step);
  };
  if (await isTold()) return;
  if (channel !== undefined) {
    const { contacts } = contactsOf(deps, incident);
    const reach = { contacts, channel, pager: undefined };
    const callChannel = callChannelsTo(escalation.who, reach).find(({ via }) => via === 'channel');
    await announcements.announce({
      to: channel,
      mention: callChannel?.via === 'channel' ? callChannel.mention : null,
      headline: sentence,
      quote: null,
      key: `overdue/${keyOf(incident, escalation)}`,
      mayStand: true,
    });
  }
  meter.escalation('overdue');
  await addNote(deps, incident.id, { kind: 'incident-overdue', sentence, facts: { step } });
}

import type { Incident } from '../incident/incident.ts';
import type { IncidentRules } from '../incident/rules.ts';
import type { Announcements, Clock } from '../snapshot/ports.ts';
import type { IncidentBoard } from '../ports/incident-board.ts';
import type { IncidentLog } from '../ports/incident-log.ts';
import type { Meter } from './meter.ts';
import type { Pager } from './pager.ts';
import type { Target } from '../snapshot/target.ts';
import { uptimeOf } from '../uptime.ts';
import { noActivity } from '../escalate/attention.ts';
import type { Activity } from '../escalate/attention.ts';

export interface EscalatorDeps {
  readonly log: Pick<IncidentLog, 'readIncident' | 'moveIncident' | 'readNotes'>;
  readonly announcements: Announcements;
  readonly board: Pick<IncidentBoard, 'ask' | 'placeOf'>;
  readonly clock: Clock;
  readonly rules: Pick<IncidentRules, 'askAgainAfterMs' | 'overdueAfterMs'>;
  readonly meter: Pick<Meter, 'escalation'>;
  /** The incident channel. */
  readonly channel: string | undefined;
  readonly targets: readonly Pick<Target, 'name' | 'contacts' | 'links'>[];
  /** What wakes people for a target; undefined where nothing is configured. */
  readonly pagerOf: (target: string) => Pager | undefined;
  /** Something was not taken, and is tried again. Must not throw. */
  readonly onFault: (incident: string, error: unknown) => void;
}

/** What a process remembers of an incident between two rounds. Nothing is lost with it: the journal has the rest. */
export interface EscalatorMemory {
  /** When the policy was judged before. */
  judgedAtMs: number | null;
  /** Whether whoever has it works on it, as far as the notes were read. */
  activity: Activity;
  /** What was refused, and when it is tried again. */
  readonly pauses: Map<string, { untilMs: number; tries: number }>;
  /** Requests whose change the pager was told of. */
  readonly changesTold: Set<string>;
}

export function createMemory(): EscalatorMemory {
  return { judgedAtMs: null, activity: noActivity, pauses: new Map(), changesTold: new Set() };
}

type PauseClock = Pick<Clock, 'now' | 'uptime'>;

const firstPauseMs = 15_000;
const longestPauseMs = 5 * 60_000;

export function isPaused({ pauses }: EscalatorMemory, what: string, clock: PauseClock): boolean {
  return (pauses.get(what)?.untilMs ?? -Infinity) > uptimeOf(clock);
}

/** Each refusal in a row doubles the pause, up to five minutes. */
export function pause({ pauses }: EscalatorMemory, what: string, clock: PauseClock): void {
  const tries = pauses.get(what)?.tries ?? 0;
  const ms = Math.min(firstPauseMs * 2 ** tries, longestPauseMs);
  pauses.set(what, { untilMs: uptimeOf(clock) + ms, tries: tries + 1 });
}

/** Whom a target calls; nobody where it is not configured any more. */
export function contactsOf(
  { targets }: EscalatorDeps,
  { target }: Incident,
): Pick<Target, 'contacts' | 'links'> {
  return targets.find(({ name }) => name === target) ?? { contacts: {}, links: { guides: [] } };
}

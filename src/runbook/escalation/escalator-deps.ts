import { uptimeOf } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import type { Announcements, Place } from '../approvals/notices.ts';
import type { IncidentLog } from '../incidents/incident-log.ts';
import type { Incident } from '../incidents/incident.ts';
import type { IncidentRules } from '../incidents/rules.ts';
import type { Target } from '../snapshot/target.ts';
import type { Meter } from './meter.ts';
import type { Pager } from './pager.ts';
import { noActivity } from './policy.ts';
import type { Activity } from './policy.ts';

export interface EscalatorDeps {
  readonly log: Pick<IncidentLog, 'readIncident' | 'moveIncident' | 'readNotes'>;
  readonly announcements: Announcements;
  /** Where the incident shows. */
  readonly board: {
    ask(
      incident: Incident,
      question: { readonly key: string; readonly sentence: string },
    ): Promise<void>;
    placeOf(incident: string): Promise<Place | undefined>;
  };
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

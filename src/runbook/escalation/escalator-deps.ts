import type { Clock } from '../../timing.ts';
import type { Announcements, Place } from '../approvals/notices.ts';
import type { IncidentLog } from '../incidents/incident-log.ts';
import type { Incident } from '../incidents/incident.ts';
import type { IncidentView } from '../incidents/incidents.ts';
import { Pauses } from '../incidents/pauses.ts';
import type { Attempt } from '../incidents/pauses.ts';
import type { IncidentRules } from '../incidents/rules.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { Target } from '../snapshot/target.ts';
import type { Meter, Pager } from './ports.ts';
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
  /** Whether the owner works on it, as far as the notes were read. */
  activity: Activity;
  /** What was refused, and when it is tried again. */
  readonly pauses: Pauses;
  /** Requests whose change the pager was told of. */
  readonly changesTold: Set<string>;
}

/** One incident in one round. */
export interface Calling {
  readonly deps: EscalatorDeps;
  readonly memory: EscalatorMemory;
  readonly view: IncidentView;
}

export function createMemory({ clock }: EscalatorDeps): EscalatorMemory {
  const pauses = new Pauses({ clock, firstMs: 15_000, longestMs: 5 * 60_000 });
  return { judgedAtMs: null, activity: noActivity, pauses, changesTold: new Set() };
}

/** What Slack or the pager did not take is a fault, and tried again after a pause. */
export async function attempt(
  { deps, memory, view }: Calling,
  key: string,
  work: () => Promise<void>,
): Promise<Attempt> {
  const made = await memory.pauses.attempt(key, work);
  if (!made.isDone && made.error !== undefined) deps.onFault(view.incident.id, made.error);
  return made;
}

/** The incident after a change; one that changes too fast is left for the next round. */
export async function changed(
  { deps: { onFault }, view: { incident } }: Calling,
  change: Promise<Answer<Incident>>,
): Promise<Incident> {
  const answer = await change;
  if (answer.ok) return answer.value;
  onFault(incident.id, new Error(answer.refusal.why));
  return incident;
}

/** Whom a target calls; nobody where it is not configured any more. */
export function contactsOf(
  { targets }: Pick<EscalatorDeps, 'targets'>,
  { target }: Pick<Incident, 'target'>,
): Pick<Target, 'contacts' | 'links'> {
  return targets.find(({ name }) => name === target) ?? { contacts: {}, links: { guides: [] } };
}

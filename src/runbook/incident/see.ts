import { isoNow } from '../approval/iso-now.ts';
import { done } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { Examination } from '../diagnose/evidence.ts';
import { begin } from './begin.ts';
import { changeIncident } from './change-incident.ts';
import {
  clockTime,
  decideSeen,
  hasLasted,
  isCalm,
  isLost,
  isOver,
  peakOf,
  watchTrigger,
} from './decide-seen.ts';
import { findIncident } from './find-incident.ts';
import type { IncidentPorts } from './incident-ports.ts';
import type { Incident } from './incident.ts';
import { hasPoolNearLimit, judgeLook } from './judge-look.ts';
import { keepExamination } from './kept-examination.ts';
import type { LookMemory, Watching } from './look-memory.ts';
import { mergedRoot } from './merged-root.ts';
import type { NoteMemory } from './note-memory.ts';
import type { SteadyClock } from '../steady-clock.ts';
import { difference, isWorse, toSeen } from './to-seen.ts';
import { hasActive } from './triggers.ts';

export interface Memories {
  readonly looks: LookMemory;
  readonly notes: NoteMemory;
  /** Requests that ended since the last look, by incident. */
  readonly owed: Map<string, Set<string>>;
}

/** More merged incidents than a night has. */
const mostParts = 100;

/** What a look means for its target's incident. Throws JournalUnavailable. */
export async function see(
  ports: IncidentPorts & { readonly clock: SteadyClock },
  memories: Memories,
  examination: Examination,
): Promise<Answer<Incident | null>> {
  const { diagnosis, target } = examination;
  const at = ports.clock.toSteady(diagnosis.takenAt);
  const look = judgeLook(diagnosis, target);
  const watching = memories.looks.add(examination, look, at);
  const belonging = await findIncident(ports.log, target.name);
  if (watching === undefined) {
    return done(belonging.kind === 'none' ? null : belonging.incident);
  }
  if (belonging.kind === 'open') {
    return update(ports, memories, { incident: belonging.incident, examination, watching, at });
  }
  // A part of another incident opens none of its own; that it is in trouble keeps the other one open.
  if (belonging.kind === 'part') return done(belonging.incident);
  if (!hasLasted({ watching, rules: ports.rules })) return done(null);
  return openByWatch(ports, { examination, watching, at });
}

interface Sighting {
  readonly examination: Examination;
  readonly watching: Watching;
  /** When the look was taken. */
  readonly at: string;
}

async function openByWatch(
  ports: IncidentPorts,
  { examination, watching, at }: Sighting,
): Promise<Answer<Incident | null>> {
  const { diagnosis, target } = examination;
  const seen = { ...toSeen(diagnosis, target), at };
  const trigger = watchTrigger(watching);
  const what = isLost(watching)
    ? 'dbconn could reach PostgreSQL and cannot any more,'
    : "dbconn's own looks say critical";
  const begun = await begin(ports, {
    target: target.name,
    at: isoNow(ports.clock),
    trigger,
    severity: 'critical',
    why: `${what} since ${clockTime(trigger.startsAt)} UTC: ${seen.headline.replace(/\.$/, '')}. ${seen.verdict.replace(/\.$/, '')}`,
    facts: keepExamination('first', examination),
    seen: { first: seen, last: seen, peak: peakOf(null, watching) },
    isKnown: (incident) => hasActive(incident, 'watch'),
  });
  return begun.ok ? done(begun.value.incident) : begun;
}

interface Update extends Sighting {
  readonly incident: Incident;
}

async function update(
  ports: IncidentPorts,
  { looks, notes, owed }: Memories,
  { incident, examination, watching, at }: Update,
): Promise<Answer<Incident | null>> {
  const { diagnosis, target } = examination;
  const { id } = incident;
  const remembered = await notes.read(id);
  const { isChanged } = remembered;
  const seen = { ...toSeen(diagnosis, target, { before: incident.last, isChanged }), at };
  const about = { look: judgeLook(diagnosis, target), poolNearLimit: hasPoolNearLimit(diagnosis) };
  const ended = owed.get(id) ?? new Set<string>();
  const sight = {
    ...about,
    seen,
    watching,
    examination,
    remembered,
    owed: [...ended],
    partInTrouble: false,
    rules: ports.rules,
  };
  const mayEnd = isCalm(incident, about) && isOver(incident, sight);
  const partInTrouble = mayEnd && (await isPartInTrouble(ports, looks, id));
  const changed = await changeIncident(ports.log, id, (now) =>
    decideSeen(now, { ...sight, partInTrouble }),
  );
  const differs = difference(incident.last, seen);
  const isTold = differs === '' || isWorse(incident.last, seen) || watching.doubt === differs;
  looks.doubt(target.name, isTold ? null : differs);
  if (!changed.ok) return changed;
  const [kept] = sight.owed;
  if (kept !== undefined) ended.delete(kept);
  if (ended.size === 0 || changed.value.state !== 'open') owed.delete(id);
  if (changed.value.version !== incident.version) ports.onChange?.(changed.value);
  return changed;
}

/** Whether a target whose incident became a part of this one was last seen in trouble. */
async function isPartInTrouble(
  { log, clock }: IncidentPorts,
  looks: LookMemory,
  id: string,
): Promise<boolean> {
  for (const part of await log.listIncidents({ states: ['merged'], limit: mostParts })) {
    if (looks.recent(part.target, clock.now())?.isInTrouble !== true) continue;
    if ((await mergedRoot(log, part))?.id === id) return true;
  }
  return false;
}

import { isoNow } from '../../timing.ts';
import type { TargetCheck } from '../diagnose/evidence.ts';
import { done } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { changeIncident } from './change.ts';
import {
  decideObservation,
  hasLasted,
  isCalm,
  isLost,
  isOver,
  peakOf,
  secondsBetween,
  watchTrigger,
} from './decide-observation.ts';
import { findIncident, mergedRoot } from './find-and-merge.ts';
import type { IncidentDeps } from './incident-log.ts';
import type { Incident } from './incident.ts';
import { keepCheck } from './kept-checks.ts';
import type { NoteMemory } from './kept-checks.ts';
import { difference, hasPoolNearLimit, isTold, judgeCheck, toObservation } from './observation.ts';
import type { CheckMemory, Watching } from './observation.ts';
import { begin } from './open.ts';
import type { SteadyClock } from './steady-clock.ts';
import { durationOfSeconds } from '../snapshot/words.ts';
import { hasActive } from './triggers.ts';

export interface Memories {
  readonly checks: CheckMemory;
  readonly notes: NoteMemory;
  /** Requests that ended since the last check, by incident. */
  readonly pending: Map<string, Set<string>>;
}

/** More merged incidents than a night has. */
const mostParts = 100;

/** What a check means for its target's incident. Throws JournalUnavailable. */
export async function observe(
  ports: IncidentDeps & { readonly clock: SteadyClock },
  memories: Memories,
  targetCheck: TargetCheck,
): Promise<Answer<Incident | null>> {
  const { diagnosis, target } = targetCheck;
  const at = ports.clock.toSteady(diagnosis.takenAt);
  const checkVerdict = judgeCheck(diagnosis, target);
  const watching = memories.checks.add(targetCheck, checkVerdict, at);
  const belonging = await findIncident(ports.log, target.name);
  if (watching === undefined) {
    return done(belonging.kind === 'none' ? null : belonging.incident);
  }
  if (belonging.kind === 'open') {
    return update(ports, memories, { incident: belonging.incident, targetCheck, watching, at });
  }
  // A part of another incident opens none of its own; that it is in trouble keeps the other one open.
  if (belonging.kind === 'part') return done(belonging.incident);
  if (!hasLasted({ watching, rules: ports.rules })) return done(null);
  return openByWatch(ports, { targetCheck, watching, at });
}

interface TimedCheck {
  readonly targetCheck: TargetCheck;
  readonly watching: Watching;
  /** When the check was taken. */
  readonly at: string;
}

async function openByWatch(
  ports: IncidentDeps,
  { targetCheck, watching, at }: TimedCheck,
): Promise<Answer<Incident | null>> {
  const { diagnosis, target } = targetCheck;
  const observation = { ...toObservation(diagnosis, target), at };
  const trigger = watchTrigger(watching);
  const lasted = durationOfSeconds(secondsBetween(trigger.startsAt, at));
  const what = isLost(watching)
    ? `dbconn has not reached PostgreSQL for ${lasted}`
    : `dbconn's own checks have been critical for ${lasted}`;
  const begun = await begin(ports, {
    target: target.name,
    at: isoNow(ports.clock),
    trigger,
    severity: 'critical',
    why: `${what}. ${observation.headline} ${observation.verdict.replace(/\.$/, '')}`,
    facts: keepCheck('first', targetCheck),
    observation: { first: observation, last: observation, peak: peakOf(null, watching) },
    isKnown: (incident) => hasActive(incident, 'watch'),
  });
  return begun.ok ? done(begun.value.incident) : begun;
}

interface Update extends TimedCheck {
  readonly incident: Incident;
}

async function update(
  ports: IncidentDeps,
  { checks, notes, pending }: Memories,
  { incident, targetCheck, watching, at }: Update,
): Promise<Answer<Incident | null>> {
  const { diagnosis, target } = targetCheck;
  const { id } = incident;
  const remembered = await notes.read(id);
  const { isChanged } = remembered;
  const observation = {
    ...toObservation(diagnosis, target, { before: incident.last, isChanged }),
    at,
  };
  const about = {
    checkVerdict: judgeCheck(diagnosis, target),
    poolNearLimit: hasPoolNearLimit(diagnosis),
  };
  const ended = pending.get(id) ?? new Set<string>();
  const checkResult = {
    ...about,
    observation,
    watching,
    targetCheck,
    remembered,
    pending: [...ended],
    partInTrouble: false,
    rules: ports.rules,
  };
  const mayEnd = isCalm(incident, about) && isOver(incident, checkResult);
  const partInTrouble = mayEnd && (await isPartInTrouble(ports, checks, id));
  const changed = await changeIncident(ports, id, (now) =>
    decideObservation(now, { ...checkResult, partInTrouble }),
  );
  const differs = difference(incident.last, observation);
  const isKept = isTold(incident.last, observation, watching);
  checks.settle(target.name, { observation, differs, isKept });
  if (!changed.ok) return changed;
  const [kept] = checkResult.pending;
  if (kept !== undefined) ended.delete(kept);
  if (ended.size === 0 || changed.value.state !== 'open') pending.delete(id);
  return changed;
}

/** Whether a target whose incident became a part of this one was last seen in trouble. */
async function isPartInTrouble(
  { log, clock }: IncidentDeps,
  checks: CheckMemory,
  id: string,
): Promise<boolean> {
  for (const part of await log.listIncidents({ states: ['merged'], limit: mostParts })) {
    if (checks.recent(part.target, clock.now())?.isInTrouble !== true) continue;
    if ((await mergedRoot(log, part))?.id === id) return true;
  }
  return false;
}

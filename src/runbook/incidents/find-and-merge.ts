import { isoNow } from '../../timing.ts';
import { refuseContended } from '../approvals/refusals.ts';
import type { Actor } from '../approvals/request.ts';
import { refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { changeFound, changeIncident, refuseUnknown, untilQuick } from './change.ts';
import type { ChangeDeps, Decision } from './change.ts';
import { mayDecide, refuseNotOpen } from './decisions.ts';
import type { IncidentDeps, IncidentLog } from './incident-log.ts';
import { actorName, moreSevere } from './incident.ts';
import type { Incident } from './incident.ts';
import { addTrigger, endOthers, findFiring, firingAlerts } from './triggers.ts';

/** Only open ones are merged into, so that no ring can come about; this holds even if somebody edits the journal. */
const longestChain = 20;

/** The incident that a merged one finally became a part of; undefined where the journal does not have it. */
export async function mergedRoot(
  log: Pick<IncidentLog, 'readIncident'>,
  merged: Incident,
): Promise<Incident | undefined> {
  let at: Incident | undefined = merged;
  for (let steps = 0; steps < longestChain; steps += 1) {
    if (at?.state !== 'merged' || at.mergedInto === null) return at;
    at = await log.readIncident(at.mergedInto);
  }
  return undefined;
}

/** The incident that trouble with a target belongs to at this moment. */
type Belonging =
  | { readonly kind: 'open'; readonly incident: Incident }
  /** The target's own became a part of this one, which is open. */
  | { readonly kind: 'part'; readonly incident: Incident }
  | { readonly kind: 'none' };

/** One open, and those that wait for the end of what they became a part of. */
const mostPresent = 20;

export async function findIncident(
  log: Pick<IncidentLog, 'listIncidents' | 'readIncident'>,
  target: string,
): Promise<Belonging> {
  // Every check asks this, so it is one question.
  const states = ['open', 'merged'] as const;
  const present = await log.listIncidents({ states, target, limit: mostPresent });
  const open = present.find(({ state }) => state === 'open');
  if (open !== undefined) return { kind: 'open', incident: open };
  const [merged] = present;
  if (merged === undefined) return { kind: 'none' };
  const root = await mergedRoot(log, merged);
  return root?.state === 'open' ? { kind: 'part', incident: root } : { kind: 'none' };
}

/** Trouble that comes and goes for days would else grow into one incident without end. */
const mostLives = 50;

/** The target's last one, if it ended so short a time ago that what comes now is the same trouble. */
export async function findReturning(
  log: Pick<IncidentLog, 'listIncidents'>,
  target: string,
  { nowMs, withinMs }: { readonly nowMs: number; readonly withinMs: number },
): Promise<Incident | undefined> {
  const [last] = await log.listIncidents({ states: ['resolved'], target, limit: 1 });
  if (last === undefined || last.closing === null) return undefined;
  if (last.reopenedAt.length >= mostLives) return undefined;
  // In either direction: the clock may have been set back since.
  return Math.abs(nowMs - Date.parse(last.closing.at)) <= withinMs ? last : undefined;
}

interface Merging {
  readonly id: string;
  readonly into: string;
  readonly actor: Actor;
}

const pauseMs = 200;

/**
 * Makes one incident a part of another. The other one takes over the alerts that still fire, before the first one
 * is closed: killed in between, an alert is known twice rather than not at all.
 */
export async function merge(
  deps: IncidentDeps,
  { id, into, actor }: Merging,
): Promise<Answer<Incident>> {
  if (id === into) {
    return refuse(
      'same-incident',
      'An incident cannot be merged into itself.',
      'Choose another open one.',
    );
  }
  const allowed = await mayDecide(deps.people, actor);
  if (!allowed.ok) return allowed;
  const merged = await untilQuick(async (tries) => {
    const part = await deps.log.readIncident(id);
    if (part === undefined) return refuseUnknown();
    if (part.state !== 'open') return refuseNotOpen(part);
    // Of two crosswise ones the other goes first now, or they would stop each other at every try.
    if (tries > 0 && id > into) await deps.clock.sleep(pauseMs);
    const by = { actor, isTold: tries > 0 };
    const taken = await changeIncident(deps, into, (incident) => takeOver(incident, part, by));
    if (!taken.ok) return taken;
    // Only as it was when the other one took it over: of two that are made a part of each other at once, each was
    // written to meanwhile. Without that both would wait for the other's end, and nobody would be called for either.
    const closed = await changeFound(deps, part, becomePart(into, actor));
    return closed === 'busy' ? 'changed' : closed;
  });
  return merged === 'changed' ? refuseContended() : merged;
}

function becomePart(into: string, actor: Actor): Decision {
  const sentence = `${actorName(actor)} merged this into ${into}.`;
  return {
    state: 'merged',
    change: { mergedInto: into },
    note: { kind: 'incident-merged', sentence, by: actor, facts: { into } },
  };
}

interface TakenBy {
  readonly actor: Actor;
  readonly isTold: boolean;
}

function takeOver(incident: Incident, part: Incident, { actor, isTold }: TakenBy): Decision {
  if (incident.state !== 'open') return refuseNotOpen(incident);
  const firing = firingAlerts(part).filter((alert) => findFiring(incident, alert) === undefined);
  const triggers = firing.reduce<Incident['triggers']>(addTrigger, incident.triggers);
  const told = `${actorName(actor)} merged ${part.id} (${part.target}) into this.`;
  return {
    state: 'open',
    change: { triggers, severity: moreSevere(incident.severity, part.severity) },
    note: {
      kind: 'incident-merged',
      sentence: isTold ? null : told,
      by: actor,
      facts: { part: part.id },
    },
  };
}

/** What the other one took over ended as it says there: the end of an alert is told to the one that counts it. */
function endAsRoot(
  { triggers }: Incident,
  root: Incident | undefined,
  at: string,
): Incident['triggers'] {
  return endOthers(triggers, at).map((trigger) => {
    if (trigger.kind !== 'alert' || trigger.endedAt !== null) return trigger;
    const taken = root === undefined ? undefined : findFiring(root, trigger);
    return taken === undefined ? trigger : { ...trigger, endedAt: taken.endedAt };
  });
}

/** Ends the incidents that became a part of one that is over. Returns how many. */
export async function followMerged(
  deps: ChangeDeps & Pick<IncidentDeps, 'clock'>,
  merged: readonly Incident[],
): Promise<number> {
  let ended = 0;
  for (const part of merged) {
    const root = await mergedRoot(deps.log, part);
    // A root that is gone from the journal would keep its parts for ever.
    if (root !== undefined && root.state !== 'resolved') continue;
    const followed = await changeIncident(deps, part.id, (incident) => {
      if (incident.state !== 'merged') return null;
      const sentence = `Resolved together with ${root?.id ?? incident.mergedInto ?? 'the other one'}.`;
      const closing = { by: null, at: isoNow(deps.clock), sentence, reason: null };
      return {
        state: 'resolved',
        change: { closing, triggers: endAsRoot(incident, root, closing.at) },
        note: { kind: 'incident-resolved', sentence },
      };
    });
    if (followed.ok) ended += 1;
  }
  return ended;
}

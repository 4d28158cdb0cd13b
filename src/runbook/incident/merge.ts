import type { Actor } from '../approval/request.ts';
import { refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { actByHand, change, refuseNotOpen } from './act-by-hand.ts';
import type { ChangePorts } from './act-by-hand.ts';
import { actorName } from './actor-name.ts';
import type { Decision } from './change-incident.ts';
import type { IncidentPorts } from './incident-ports.ts';
import type { Incident } from './incident.ts';
import { isoNow } from '../approval/iso-now.ts';
import { mayDecide } from './may-decide.ts';
import { mergedRoot } from './merged-root.ts';
import { addTrigger, findFiring, firingAlerts } from './triggers.ts';
import { worse } from './worse.ts';

export interface Merging {
  readonly id: string;
  readonly into: string;
  readonly actor: Actor;
}

/**
 * Makes one incident a part of another. The other one takes over the alerts that still fire, before the first one
 * is closed: killed in between, an alert is known twice rather than not at all.
 */
export async function merge(
  ports: IncidentPorts,
  { id, into, actor }: Merging,
): Promise<Answer<Incident>> {
  if (id === into) {
    return refuse('same-incident', 'An incident is no part of itself.', 'Name another open one.');
  }
  const allowed = await mayDecide(ports.people, actor);
  if (!allowed.ok) return allowed;
  const part = await ports.log.readIncident(id);
  if (part === undefined) return change(ports, id, () => null);
  if (part.state !== 'open') return refuseNotOpen(part);
  const taken = await change(ports, into, (incident) => takeOver(incident, part, actor));
  if (!taken.ok) return taken;
  return actByHand(ports, {
    id,
    actor,
    decide: (incident) => {
      if (incident.state !== 'open') return refuseNotOpen(incident);
      const sentence = `${actorName(actor)} made this a part of ${into}: it goes on there.`;
      return {
        state: 'merged',
        change: { mergedInto: into },
        note: { kind: 'incident-merged', sentence, by: actor, facts: { into } },
      };
    },
  });
}

function takeOver(incident: Incident, part: Incident, actor: Actor): Decision {
  if (incident.state !== 'open') return refuseNotOpen(incident);
  const firing = firingAlerts(part).filter((alert) => findFiring(incident, alert) === undefined);
  const triggers = firing.reduce<Incident['triggers']>(addTrigger, incident.triggers);
  const sentence = `${actorName(actor)} made ${part.id} (${part.target}) a part of this.`;
  return {
    state: 'open',
    change: { triggers, severity: worse(incident.severity, part.severity) },
    note: { kind: 'incident-merged', sentence, by: actor, facts: { part: part.id } },
  };
}

/** Ends the incidents that became a part of one that is over. Returns how many. */
export async function followMerged(
  ports: ChangePorts,
  merged: readonly Incident[],
): Promise<number> {
  let ended = 0;
  for (const part of merged) {
    const root = await mergedRoot(ports.log, part);
    // A root that is gone from the journal would keep its parts for ever.
    if (root !== undefined && root.state !== 'resolved') continue;
    const followed = await change(ports, part.id, (incident) => {
      if (incident.state !== 'merged') return null;
      const sentence = `It is over with ${root?.id ?? incident.mergedInto ?? 'the other one'}.`;
      const closing = { by: null, at: isoNow(ports.clock), sentence, reason: null };
      return {
        state: 'resolved',
        change: { closing },
        note: { kind: 'incident-resolved', sentence },
      };
    });
    if (followed.ok) ended += 1;
  }
  return ended;
}

import type { Actor } from '../approval/actor.ts';
import type { Answer } from '../remedies/remedy.ts';
import { actByHand, refuseNotOpen } from './act-by-hand.ts';
import { actorName } from './actor-name.ts';
import type { IncidentDeps } from './incident-ports.ts';
import type { Incident } from './incident.ts';

/** "I have it". */
export function assign(ports: IncidentDeps, id: string, actor: Actor): Promise<Answer<Incident>> {
  return actByHand(ports, {
    id,
    actor,
    decide: (incident, at) => {
      if (incident.state !== 'open') return refuseNotOpen(incident);
      const before = incident.assignee?.by;
      if (before !== undefined && before.id === actor.id && before.via === actor.via) return null;
      const taken = before === undefined ? 'has it' : `has it now, after ${actorName(before)}`;
      const sentence = `${actorName(actor)} ${taken}.`;
      return {
        state: 'open',
        change: { assignee: { by: actor, at } },
        note: { kind: 'incident-assigned', sentence, by: actor },
      };
    },
  });
}

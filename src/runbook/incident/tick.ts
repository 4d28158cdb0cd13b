import type { Actor } from '../approval/actor.ts';
import { checklist } from '../incidents/checklist.ts';
import type { ChecklistItem } from '../incidents/checklist.ts';
import type { Answer } from '../remedies/remedy.ts';
import { actByHand } from './act-by-hand.ts';
import { actorName } from './actor-name.ts';
import type { IncidentDeps } from './incident-ports.ts';
import type { Incident } from './incident.ts';

interface Ticking {
  readonly id: string;
  readonly actor: Actor;
  readonly item: ChecklistItem;
}

/** Somebody did an item of the post-incident checklist. The first one to say so is kept. */
export function tick(ports: IncidentDeps, { id, actor, item }: Ticking): Promise<Answer<Incident>> {
  return actByHand(ports, {
    id,
    actor,
    decide: (incident, at) => {
      if (incident.checklist.some((ticked) => ticked.item === item)) return null;
      const title = checklist.find((known) => known.id === item)?.title ?? item;
      const sentence = `${actorName(actor)} did: ${title}.`;
      return {
        state: incident.state,
        change: { checklist: [...incident.checklist, { item, by: actor, at }] },
        note: { kind: 'incident-ticked', sentence, by: actor },
      };
    },
  });
}

import { cleanReason } from '../approval/clean-reason.ts';
import type { Actor } from '../approval/actor.ts';
import { refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { durationOfMs } from '../snapshot/wording.ts';
import { actByHand, change, refuseNotOpen, refuseReasonMissing } from './act-by-hand.ts';
import type { ChangePorts } from './act-by-hand.ts';
import { actorName } from './actor-name.ts';
import { clockTime } from '../incidents/decide-observation.ts';
import type { IncidentDeps } from './incident-ports.ts';
import type { Incident } from './incident.ts';
import type { Silence } from '../incidents/incidents.ts';

/** Longer than this is no silence but a decision, and belongs into the configuration. */
const longestMs = 7 * 86_400_000;

interface Silencing {
  readonly id: string;
  readonly actor: Actor;
  readonly silence: Silence;
}

/** Nobody is called until it ends; looks and the message go on. */
export async function silence(
  ports: IncidentDeps,
  { id, actor, silence: { forMs, reason } }: Silencing,
): Promise<Answer<Incident>> {
  const why = cleanReason(reason);
  if (why === null) return refuseReasonMissing('A silence');
  if (!(forMs > 0 && forMs <= longestMs)) {
    return refuse(
      'too-long',
      'A silence lasts a week at most.',
      'Name a shorter time, such as 2h.',
    );
  }
  return actByHand(ports, {
    id,
    actor,
    decide: (incident, at) => {
      if (incident.state !== 'open') return refuseNotOpen(incident);
      const until = new Date(Date.parse(at) + forMs).toISOString();
      const sentence = `${actorName(actor)} silenced it for ${durationOfMs(forMs)}, until ${clockTime(until, at)} UTC: nobody is called.`;
      return {
        state: 'open',
        change: { silence: { by: actor, at, until, reason: why } },
        note: { kind: 'incident-silenced', sentence, quote: why, by: actor },
      };
    },
  });
}

export function unsilence(
  ports: IncidentDeps,
  id: string,
  actor: Actor,
): Promise<Answer<Incident>> {
  return actByHand(ports, {
    id,
    actor,
    decide: (incident) => {
      if (incident.silence === null) return null;
      const sentence = `${actorName(actor)} ended the silence: people are called again.`;
      return {
        state: incident.state,
        change: { silence: null },
        note: { kind: 'incident-unsilenced', sentence, by: actor },
      };
    },
  });
}

/** Ends a silence whose time is over, once, and says so. */
export function endSilence(ports: ChangePorts, id: string): Promise<Answer<Incident>> {
  return change(ports, id, (incident, at) => {
    if (incident.silence === null || incident.silence.until > at) return null;
    const sentence = `The silence of ${actorName(incident.silence.by)} is over: people are called again.`;
    return {
      state: incident.state,
      change: { silence: null },
      note: { kind: 'incident-unsilenced', sentence },
    };
  });
}

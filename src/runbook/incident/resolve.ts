import { cleanReason } from '../approval/clean-reason.ts';
import type { Actor } from '../approval/actor.ts';
import { refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { durationOfMs } from '../snapshot/wording.ts';
import { actByHand, refuseNotOpen, refuseReasonMissing } from './act-by-hand.ts';
import { actorName } from './actor-name.ts';
import type { IncidentDeps } from './incident-ports.ts';
import type { Incident } from './incident.ts';
import type { CheckMemory, LatestCheck } from './look-memory.ts';
import { hadItBefore, reopening } from './reopening.ts';
import { endOthers } from './triggers.ts';

interface Closing {
  readonly id: string;
  readonly actor: Actor;
  readonly reason: string;
}

/** Ends an incident by somebody's word, unless the last look says critical. Alerts that still fire are left to Alertmanager. */
export async function resolve(
  ports: IncidentDeps,
  checks: CheckMemory,
  { id, actor, reason }: Closing,
): Promise<Answer<Incident>> {
  const why = cleanReason(reason);
  if (why === null) return refuseReasonMissing('Closing an incident');
  return actByHand(ports, {
    id,
    actor,
    decide: (incident, at) => {
      if (incident.state !== 'open') return refuseNotOpen(incident);
      const recent = checks.recent(incident.target, Date.parse(at));
      if (isInTrouble(incident, recent)) return refuseInTrouble(incident, recent);
      const sentence = `${actorName(actor)} closed it.`;
      return {
        state: 'resolved',
        change: {
          triggers: endOthers(incident.triggers, at),
          closing: { by: actor, at, sentence, reason: why },
        },
        note: { kind: 'incident-resolved', sentence, quote: why, by: actor },
      };
    },
  });
}

/** Takes an incident up again that is over. */
export async function reopen(
  ports: IncidentDeps,
  { id, actor, reason }: Closing,
): Promise<Answer<Incident>> {
  const why = cleanReason(reason);
  if (why === null) return refuseReasonMissing('Reopening an incident');
  return actByHand(ports, {
    id,
    actor,
    decide: (incident, at) => {
      if (incident.state === 'open') return null;
      if (incident.state === 'merged') return refuseNotOpen(incident);
      const awayMs = Date.parse(at) - Date.parse(incident.closing?.at ?? at);
      const sentence = `${actorName(actor)} reopened it after ${durationOfMs(awayMs)}.${hadItBefore(incident)}`;
      const trigger = {
        kind: 'person',
        by: actor,
        startsAt: at,
        endedAt: null,
        reason: why,
      } as const;
      return {
        state: 'open',
        change: reopening(incident, at, trigger),
        note: { kind: 'incident-reopened', sentence, quote: why, by: actor },
      };
    },
  });
}

/** Where this process did not look itself, by the last look that the journal keeps. */
function isInTrouble({ calmSince, last }: Incident, recent: LatestCheck | undefined): boolean {
  if (recent !== undefined && recent.verdict !== 'unseen') return recent.verdict === 'trouble';
  return last?.state === 'critical' && calmSince === null;
}

function refuseInTrouble(
  { last }: Incident,
  recent: LatestCheck | undefined,
): ReturnType<typeof refuse> {
  const lastWord = recent?.sentence ?? last?.headline ?? 'It is critical.';
  const next = 'Silence it instead, or look again once it is better.';
  return refuse('still-critical', `The last look says: ${lastWord}`, next);
}

import { cleanReason } from '../approvals/request.ts';
import type { Actor } from '../approvals/request.ts';
import { refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { durationOfMs } from '../snapshot/words.ts';
import { actByHand, change, refuseNotOpen, refuseReasonMissing } from './by-hand.ts';
import type { ChangePorts } from './by-hand.ts';
import { clockTime } from './decide-observation.ts';
import type { IncidentDeps } from './incident-log.ts';
import { actorName } from './incident.ts';
import type { Incident } from './incident.ts';
import type { Silence } from './incidents.ts';
import type { CheckMemory, LatestCheck } from './observation.ts';
import { endOthers, hadItBefore, reopening } from './triggers.ts';

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

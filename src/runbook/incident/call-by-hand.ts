import { cleanReason } from '../approval/clean-reason.ts';
import type { Actor } from '../approval/actor.ts';
import type { EscalationRequest } from '../escalation/escalate.ts';
import type { Escalation, EscalationRole } from '../escalate/policy.ts';
import { refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { capital } from '../snapshot/wording.ts';
import { change, refuseNotOpen, refuseReasonMissing } from './act-by-hand.ts';
import { actorName } from './actor-name.ts';
import type { IncidentDeps } from './incident-ports.ts';
import type { Incident } from './incident.ts';

/** More calls than these wake nobody who is not awake. */
const mostCalls = 30;

interface Call {
  readonly id: string;
  readonly actor: Actor;
  readonly ask: EscalationRequest;
}

/** Notes down that somebody calls for help; whoever tends the incidents sends it. Everybody may. */
export async function requestEscalation(
  ports: IncidentDeps,
  { id, actor, ask }: Call,
): Promise<Answer<Incident>> {
  const quote = cleanReason(ask.reason);
  if (quote === null) return refuseReasonMissing('A call for help');
  return change(ports, id, (incident, at) => {
    if (incident.state !== 'open') return refuseNotOpen(incident);
    const calls = incident.escalations.filter(({ by }) => by !== null).length;
    if (calls >= mostCalls) {
      return refuse('too-many', 'Too many calls were made already.', 'Call by telephone.');
    }
    const escalation: Escalation = {
      // The version makes it another one each time, also after the incident came back.
      id: `hand-${incident.version}`,
      who: ask.role,
      via: 'channel',
      dueAt: at,
      state: 'sending',
      sentAt: null,
      tries: 0,
      reasons: [],
      by: actor,
      quote,
    };
    const sentence = `${capital(actorName(actor))} calls ${names[ask.role]}.`;
    return {
      state: 'open',
      change: { escalations: [...incident.escalations, escalation] },
      note: {
        kind: 'incident-escalating',
        sentence,
        quote,
        by: actor,
        facts: { step: escalation.id },
      },
    };
  });
}

const names: Readonly<Record<EscalationRole, string>> = {
  'database-admins': 'the database admins',
  'backend-lead': 'the backend lead',
  'on-call': 'whoever is on call',
};

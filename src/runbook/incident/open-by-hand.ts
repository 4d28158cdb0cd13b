import { cleanReason } from '../approval/clean-reason.ts';
import { isoNow } from '../approval/iso-now.ts';
import type { Actor } from '../approval/actor.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { capital } from '../snapshot/wording.ts';
import { refuseReasonMissing } from './act-by-hand.ts';
import { actorName } from './actor-name.ts';
import { begin } from './begin.ts';
import type { IncidentDeps } from './incident-ports.ts';
import type { Incident } from './incident.ts';

interface OpeningByHand {
  readonly target: string;
  readonly actor: Actor;
  readonly reason: string;
}

/** Opens an incident by somebody's word, or joins the open one. Everybody may: a needless one costs minutes. */
export async function openByHand(
  ports: IncidentDeps,
  { target, actor, reason }: OpeningByHand,
): Promise<Answer<Incident>> {
  if (!ports.targets.some(({ name }) => name === target)) {
    return refuse('unknown-target', 'There is no such target.', 'Name one of dbconn.yml.');
  }
  const why = cleanReason(reason);
  if (why === null) return refuseReasonMissing('An incident opened by hand');
  const at = isoNow(ports.clock);
  const begun = await begin(ports, {
    target,
    at,
    trigger: { kind: 'person', by: actor, startsAt: at, endedAt: null, reason: why },
    severity: 'warning',
    why: `${capital(actorName(actor))} says that something is wrong with ${target}`,
    quote: why,
    by: actor,
    isKnown: ({ triggers }) =>
      triggers.some(
        (known) =>
          known.kind === 'person' &&
          known.endedAt === null &&
          known.by.id === actor.id &&
          known.reason === why,
      ),
  });
  return begun.ok ? done(begun.value.incident) : begun;
}

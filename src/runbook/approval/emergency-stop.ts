import type { Stop } from '../ports.ts';
import { done } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { cleanReason } from './clean-reason.ts';
import type { DoorPorts } from './door-ports.ts';
import { isoNow } from './iso-now.ts';
import { mayGo } from './policy.ts';
import type { Actor } from './request.ts';

/** Open to everybody: a needless stop costs minutes, a missing one a database. */
export async function stop(
  { journal, clock }: DoorPorts,
  actor: Actor,
  reason?: string,
): Promise<Answer<Stop>> {
  const by = actor.via === 'slack' ? `<@${actor.id}>` : `somebody at the ${actor.via}`;
  const set: Stop = { by, at: isoNow(clock), reason: cleanReason(reason) ?? '' };
  await journal.writeStop(set, { kind: 'stopped', body: { actor, reason: set.reason } });
  return done(set);
}

export async function go(
  { journal, policy }: DoorPorts,
  actor: Actor,
  reason?: string,
): Promise<Answer<null>> {
  const allowed = mayGo(policy, actor);
  if (!allowed.ok) return allowed;
  const body = { actor, reason: cleanReason(reason) };
  await journal.writeStop(undefined, { kind: 'go', body });
  return done(null);
}

import { isoNow } from '../../timing.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { ApprovalDeps, EmergencyStopSwitch } from './context.ts';
import type { Journal, Stop } from './journal.ts';
import { mayGo } from './permissions.ts';
import { cleanReason } from './request.ts';
import type { Actor } from './request.ts';

/** The emergency stop that holds now, wherever it was set: on the machine, or by somebody's word. */
export async function readStop({
  journal,
  stopSwitch,
}: {
  readonly journal: Pick<Journal, 'readStop'>;
  readonly stopSwitch?: EmergencyStopSwitch;
}): Promise<Stop | undefined> {
  return (await stopSwitch?.readStop()) ?? journal.readStop();
}

/** Open to everybody: a needless stop costs minutes, a missing one a database. */
export async function stop(
  { journal, clock }: ApprovalDeps,
  actor: Actor,
  reason?: string,
): Promise<Answer<Stop>> {
  const by = actor.via === 'slack' ? `<@${actor.id}>` : `somebody at the ${actor.via}`;
  const set: Stop = { by, at: isoNow(clock), reason: cleanReason(reason) ?? '' };
  await journal.writeStop(set, { kind: 'stopped', body: { actor, reason: set.reason } });
  return done(set);
}

/** Lifts a stop that was set by somebody's word; one that was set on the machine is lifted there. */
export async function go(
  ports: ApprovalDeps,
  actor: Actor,
  reason?: string,
): Promise<Answer<null>> {
  const allowed = await mayGo(ports, actor);
  if (!allowed.ok) return allowed;
  const { journal, stopSwitch } = ports;
  const set = await stopSwitch?.readStop();
  if (set !== undefined) {
    const next = set.lift ?? 'Remove that stop first, then use /dbconn go again.';
    return refuse('stopped', `All changes are still stopped by ${set.by}.`, next);
  }
  const body = { actor, reason: cleanReason(reason) };
  await journal.writeStop(undefined, { kind: 'go', body });
  return done(null);
}

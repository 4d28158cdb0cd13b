import type { Journal } from '../snapshot/ports.ts';
import type { Neighbourhood } from '../ports/neighbours.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { refuseBusy } from '../approvals/refusals.ts';
import type { ApprovalRequest, RequestState } from './request.ts';

interface Ports {
  readonly neighbourhood?: (target: string) => Promise<Neighbourhood> | undefined;
  readonly journal: Pick<Journal, 'list'>;
}

/** Whether this target may be changed at all: of two that are the same database only one may. */
export async function mayChange(
  { neighbourhood }: Pick<Ports, 'neighbourhood'>,
  target: string,
): Promise<Answer<null>> {
  return (await neighbourhood?.(target))?.mayChange ?? done(null);
}

/** The targets that share one lock with this one, itself among them. */
export async function lockedWith(
  { neighbourhood }: Pick<Ports, 'neighbourhood'>,
  target: string,
): Promise<readonly string[]> {
  return (await neighbourhood?.(target))?.onServer ?? [target];
}

/**
 * Whether this request may have its server for itself, while others are in one of these states. Asked once more after
 * it is recorded as executing: of two that begin at once each sees the other then, and neither runs.
 */
export async function mayLock(
  ports: Ports,
  { id, target }: ApprovalRequest,
  states: readonly RequestState[],
): Promise<Answer<null>> {
  const allowed = await mayChange(ports, target);
  if (!allowed.ok) return allowed;
  const targets = await lockedWith(ports, target);
  const running = await ports.journal.list(states);
  const other = running.find((found) => found.id !== id && targets.includes(found.target));
  if (other === undefined) return done(null);
  if (other.target === target) return refuseBusy();
  const why = `A change of ${other.target}, which is on the same server, is running.`;
  return refuse('busy', why, 'Approve it when that one is done; your vote was not counted yet.');
}

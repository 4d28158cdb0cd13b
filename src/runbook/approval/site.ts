import type { Snapshot } from '../diagnose/snapshot.ts';
import type { Clock, Journal } from '../ports.ts';
import type { Neighbourhood } from '../ports/neighbours.ts';
import type { Lease } from '../ports/lease.ts';
import type { Brake } from '../ports/brake.ts';
import type { People } from '../ports/people.ts';
import type { Remedy, StepNews } from '../remedies/remedy.ts';
import type { Policy } from './policy.ts';
import type { Request, RequestChange, RequestState } from './request.ts';
import { advance } from './request.ts';

/** What one execution works with. */
export interface Site {
  readonly journal: Journal;
  readonly lease: Lease;
  readonly brake?: Brake;
  readonly remedy: Remedy;
  readonly look: () => Promise<Snapshot>;
  readonly neighbourhood?: (target: string) => Promise<Neighbourhood> | undefined;
  readonly clock: Clock;
  readonly warningUtilisation: number;
  readonly policy: Policy;
  readonly people: People;
  readonly verifyAfterMs: number;
  /** Called on every change and every step, for the live message. */
  readonly notify: (request: Request, news?: StepNews) => void;
  readonly onFault: (id: string, error: unknown) => void;
  /** Aborts when this process ends: whoever comes next goes on verifying. */
  readonly signal: AbortSignal;
}

export interface Step {
  readonly state: RequestState;
  readonly change: RequestChange;
}

/** One transition of a running request, with its entry in the journal. */
export async function move(
  request: Request,
  { journal, notify }: Site,
  { state, change }: Step,
): Promise<Request | 'changed' | 'busy'> {
  const next = advance(request, state, change);
  const { closing, execution, result } = next;
  const entry = { request: next.id, kind: state, body: { closing, execution, result } };
  const moved = await journal.move(request.version, next, entry);
  if (moved !== 'moved') return moved;
  notify(next);
  return next;
}

/** While it runs, a request belongs to whoever runs it; another hand on it is a fault. */
export async function mustMove(request: Request, site: Site, step: Step): Promise<Request> {
  const moved = await move(request, site, step);
  if (moved === 'changed' || moved === 'busy') {
    throw new Error(`Request ${request.id} was changed by somebody else while it was running.`);
  }
  return moved;
}

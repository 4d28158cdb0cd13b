import { isOpen } from '../approval/request.ts';
import type { Request } from '../approval/request.ts';

export interface Lifetime {
  readonly openedAt: string;
  /** Null while it is open. */
  readonly until: string | null;
}

/** Whether a request was alive at some moment between an incident's beginning and its end. */
export function belongs(request: Request, { openedAt, until }: Lifetime): boolean {
  const { closing, expiresAt, proposedAt, result } = request;
  if (until !== null && proposedAt > until) return false;
  const endedAt = result?.endedAt ?? closing?.at ?? expiresAt;
  return isOpen(request) || proposedAt >= openedAt || endedAt >= openedAt;
}

import { isOpen } from '../approval/request.ts';
import type { ApprovalRequest } from '../approval/request.ts';
import type { IncidentLog } from '../ports/incident-log.ts';
import type { Incident } from './incident.ts';

interface Lifetime {
  readonly openedAt: string;
  /** Null while it is open. */
  readonly until: string | null;
}

/** Whether a request was alive at some moment between an incident's beginning and its end. */
export function belongs(request: ApprovalRequest, { openedAt, until }: Lifetime): boolean {
  const { closing, expiresAt, proposedAt, result } = request;
  if (until !== null && proposedAt > until) return false;
  const endedAt = result?.endedAt ?? closing?.at ?? expiresAt;
  return isOpen(request) || proposedAt >= openedAt || endedAt >= openedAt;
}

/** A request that was made shortly before the trouble was called an incident belongs to it. */
const beforeMs = 20 * 60_000;

/** The requests of an incident, oldest first: on its message, in its report and in its bundle they are the same. */
export async function readRequestsOf(
  log: Pick<IncidentLog, 'readRequestsSince'>,
  { closing, openedAt, state, target }: Incident,
): Promise<readonly ApprovalRequest[]> {
  const since = new Date(Date.parse(openedAt) - beforeMs).toISOString();
  const until = state === 'resolved' ? (closing?.at ?? null) : null;
  const proposed = await log.readRequestsSince({ target, since });
  return proposed.filter((request) => belongs(request, { openedAt, until }));
}

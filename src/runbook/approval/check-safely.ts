import { ActingUnavailable } from '../remedies/acting-unavailable.ts';
import type { Remedy } from '../remedies/remedy.ts';
import type { Report } from '../remedies/report.ts';
import type { Request } from './request.ts';

/** What is true of a request's targets now; where that cannot be looked up, a report that says so. */
export async function checkSafely(remedy: Remedy, request: Request): Promise<Report> {
  const since = request.execution?.startedAt ?? request.proposedAt;
  try {
    return await remedy.check(request.plan, since);
  } catch (error) {
    if (!(error instanceof ActingUnavailable)) throw error;
    const summary = `What became of its targets cannot be told: ${error.message}`;
    return { items: [], finished: false, summary };
  }
}

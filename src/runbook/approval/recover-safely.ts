import { ActingUnavailable } from '../remedies/acting-unavailable.ts';
import type { RunControl } from '../remedies/remedy.ts';
import type { Report } from '../remedies/report.ts';
import type { Request } from './request.ts';
import type { Site } from './site.ts';

/** Completes or undoes what a broken run left half done; where that cannot be reached, a report that says so. */
export async function recoverSafely(
  request: Request,
  { remedy, journal }: Site,
  control: RunControl,
): Promise<Report> {
  const since = request.execution?.startedAt ?? request.proposedAt;
  const steps = await journal.readSteps(request.id);
  try {
    return await remedy.recover({ plan: request.plan, since, steps }, control);
  } catch (error) {
    if (!(error instanceof ActingUnavailable)) throw error;
    const summary = `What became of its targets cannot be told: ${error.message}`;
    return { items: [], finished: false, summary };
  }
}

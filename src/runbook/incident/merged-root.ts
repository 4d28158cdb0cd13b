import type { IncidentLog } from '../ports/incident-log.ts';
import type { Incident } from './incident.ts';

/** Only open ones are merged into, so that no ring can come about; this holds even if somebody edits the journal. */
const longestChain = 20;

/** The incident that a merged one finally became a part of; undefined where the journal does not have it. */
export async function mergedRoot(
  log: Pick<IncidentLog, 'readIncident'>,
  merged: Incident,
): Promise<Incident | undefined> {
  let at: Incident | undefined = merged;
  for (let steps = 0; steps < longestChain; steps += 1) {
    if (at?.state !== 'merged' || at.mergedInto === null) return at;
    at = await log.readIncident(at.mergedInto);
  }
  return undefined;
}

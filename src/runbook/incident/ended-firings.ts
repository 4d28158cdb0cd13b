import { hashJson } from '../remedies/plan.ts';
import type { IncidentLog } from '../ports/incident-log.ts';
import type { IncidentDeps } from './incident-ports.ts';
import type { Trigger } from './incident.ts';
import { toDraft } from './note.ts';

type Firing = Extract<Trigger, { kind: 'alert' }>;

/**
 * Keeps that a firing is over which no incident knows: its beginning may come after its end, from another of several
 * Alertmanagers or after a retry, and would open an incident that nobody ends. Throws JournalUnavailable.
 */
export async function keepEnd(
  log: Pick<IncidentDeps['log'], 'record' | 'readNotes'>,
  firing: Firing,
): Promise<void> {
  if (await hasEnded(log, firing)) return;
  const facts = { alert: { ...firing } };
  await log.record(
    toDraft(await keyOf(firing), { kind: 'incident-alert-ended', sentence: null, facts }),
  );
}

/** Whether it was kept as over. What began again begins at another time, and is another one. */
export async function hasEnded(
  log: Pick<IncidentLog, 'readNotes'>,
  firing: Firing,
): Promise<boolean> {
  return (await log.readNotes(await keyOf(firing), 0)).length > 0;
}

/** Names no incident: their ids begin with `inc-`. */
async function keyOf({ fingerprint, startsAt }: Firing): Promise<string> {
  return `ended-${(await hashJson([fingerprint, startsAt])).slice(0, 16)}`;
}

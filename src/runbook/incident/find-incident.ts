import type { IncidentLog } from '../ports/incident-log.ts';
import { mergedRoot } from './merged-root.ts';
import type { Incident } from './incident.ts';

/** The incident that trouble with a target belongs to at this moment. */
type Belonging =
  | { readonly kind: 'open'; readonly incident: Incident }
  /** The target's own became a part of this one, which is open. */
  | { readonly kind: 'part'; readonly incident: Incident }
  | { readonly kind: 'none' };

/** One open, and those that wait for the end of what they became a part of. */
const mostPresent = 20;

export async function findIncident(
  log: Pick<IncidentLog, 'listIncidents' | 'readIncident'>,
  target: string,
): Promise<Belonging> {
  // Every look asks this, so it is one question.
  const states = ['open', 'merged'] as const;
  const present = await log.listIncidents({ states, target, limit: mostPresent });
  const open = present.find(({ state }) => state === 'open');
  if (open !== undefined) return { kind: 'open', incident: open };
  const [merged] = present;
  if (merged === undefined) return { kind: 'none' };
  const root = await mergedRoot(log, merged);
  return root?.state === 'open' ? { kind: 'part', incident: root } : { kind: 'none' };
}

/** Trouble that comes and goes for days would else grow into one incident without end. */
const mostLives = 50;

/** The target's last one, if it ended so short a time ago that what comes now is the same trouble. */
export async function findReturning(
  log: Pick<IncidentLog, 'listIncidents'>,
  target: string,
  { nowMs, withinMs }: { readonly nowMs: number; readonly withinMs: number },
): Promise<Incident | undefined> {
  const [last] = await log.listIncidents({ states: ['resolved'], target, limit: 1 });
  if (last === undefined || last.closing === null) return undefined;
  if (last.reopenedAt.length >= mostLives) return undefined;
  // In either direction: the clock may have been set back since.
  return Math.abs(nowMs - Date.parse(last.closing.at)) <= withinMs ? last : undefined;
}

import type { ApprovalRequest } from '../approval/request.ts';
import { refuse } from '../remedies/remedy.ts';
import { belongs } from './belongs.ts';
import { changeIncident } from './change-incident.ts';
import { findIncident, findReturning } from './find-incident.ts';
import type { IncidentDeps } from './incident-ports.ts';
import type { Incident } from './incident.ts';
import { keepCheck } from './kept-examination.ts';
import type { LatestCheck } from './look-memory.ts';
import type { Note } from './note.ts';
import type { Remembered } from './note-memory.ts';
import { tellRequest } from './tell-request.ts';
import type { Memories } from '../incidents/observe.ts';

/** A remedy's outcome is often seen after the incident that it ended. */
const recordedAfterMs = 10 * 60_000;
const mostTries = 10;
const movedOn = 'moved-on';

/** What happened to a request, in the timeline of its target's incident, once for each state. Throws JournalUnavailable. */
export async function recordRequest(
  ports: IncidentDeps,
  memories: Memories,
  request: ApprovalRequest,
): Promise<void> {
  const key = `request:${request.id}:${request.state}`;
  for (let tries = 0; tries < mostTries; tries += 1) {
    const incident = await findIncidentOf(ports, request);
    if (incident === undefined) return;
    const remembered = await memories.notes.read(incident.id);
    if (remembered.has(key)) return;
    const latest = memories.checks.recent(request.target, ports.clock.now());
    const facts = { key, request: request.id, ...evidenceOf(request, latest, remembered) };
    const note: Note = { kind: 'incident-request', ...tellRequest(request), facts };
    const changed = await changeIncident(ports.log, incident.id, (now) =>
      // Whoever wrote meanwhile may have written this: then the notes are to be read again.
      now.version === incident.version
        ? { state: now.state, change: {}, note }
        : refuse(movedOn, '', ''),
    );
    if (!changed.ok) continue;
    const isAfterMissing = request.state === 'done' && !('examination' in facts);
    if (isAfterMissing && incident.state === 'open') addPending(memories, incident, request);
    ports.onChange?.(changed.value);
    return;
  }
}

async function findIncidentOf(
  { log, clock }: IncidentDeps,
  request: ApprovalRequest,
): Promise<Incident | undefined> {
  const { target } = request;
  const belonging = await findIncident(log, target);
  if (belonging.kind !== 'none') {
    // What ended before this one began was told in another one's timeline.
    const { openedAt } = belonging.incident;
    return belongs(request, { openedAt, until: null }) ? belonging.incident : undefined;
  }
  const since = { nowMs: clock.now(), withinMs: recordedAfterMs };
  const returning = await findReturning(log, target, since);
  if (returning === undefined) return undefined;
  // What was proposed after the end is about something else.
  const { openedAt, closing } = returning;
  return belongs(request, { openedAt, until: closing?.at ?? null }) ? returning : undefined;
}

/** The evidence of before, with the last vote; that of after, if it was looked at since. */
function evidenceOf(
  { id, state, result }: ApprovalRequest,
  latest: LatestCheck | undefined,
  { mayKeep }: Remembered,
): Note['facts'] {
  const examination = latest?.examination;
  if (!mayKeep || latest === undefined || examination === undefined) return {};
  if (state === 'approved') return keepCheck(`before:${id}`, examination);
  const isAfter = result !== null && latest.watching.lastMs >= Date.parse(result.endedAt);
  return state === 'done' && isAfter ? keepCheck(`after:${id}`, examination) : {};
}

/** The next look is the one after it. */
function addPending({ pending }: Memories, { id }: Incident, request: ApprovalRequest): void {
  pending.set(id, (pending.get(id) ?? new Set<string>()).add(request.id));
}

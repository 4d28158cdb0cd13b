import type { Actor, ApprovalRequest } from '../approvals/request.ts';
import { nameOf } from '../remedies/remedy-request.ts';
import { capital } from '../snapshot/words.ts';
import { changeFound, untilQuick } from './change.ts';
import { findIncident, findReturning } from './find-and-merge.ts';
import { belongs } from './incident-log.ts';
import type { IncidentDeps, Note } from './incident-log.ts';
import { actorName } from './incident.ts';
import type { Incident } from './incident.ts';
import { keepCheck } from './kept-checks.ts';
import type { Remembered } from './kept-checks.ts';
import type { LatestCheck } from './observation.ts';
import type { Memories } from './observe.ts';

type Line = Pick<Note, 'sentence' | 'quote' | 'by'>;

/** A request's present state as a line of the timeline. The plan's title holds figures and configured names only. */
export function tellRequest(request: ApprovalRequest): Line {
  const { option, plan, proposedBy, closing, result, state } = request;
  const what = nameOf(option);
  const ranBy = request.handOff?.ranBy?.by;
  const ranItself = (): Line => ({
    sentence: `${capital(what)} ran: ${result?.report.summary ?? 'see its card.'}`,
  });
  switch (state) {
    case 'proposed':
      return by(proposedBy, `proposed ${what}: ${plan.title}.`);
    case 'approved':
      return approved(request);
    case 'executing':
      return { sentence: `${capital(what)} started: ${plan.title}.` };
    case 'handed':
      return { sentence: `The commands of ${what} are ready to run by hand: ${plan.title}.` };
    case 'verifying':
      return ranBy === undefined ? ranItself() : by(ranBy, `ran ${what} by hand: ${plan.title}.`);
    case 'done': {
      const { word = 'unknown', sentence = '' } = result?.outcome ?? {};
      const who = ranBy === undefined ? '' : `, run by ${actorName(ranBy)} by hand`;
      return { sentence: `${capital(what)}${who}: ${outcomeWords[word]}. ${sentence}`.trim() };
    }
    case 'failed':
      return { sentence: `${capital(what)} failed. ${closing?.sentence ?? ''}`.trim() };
    case 'denied':
    case 'withdrawn':
    case 'expired':
    case 'stale':
      return notRun(request);
    default:
      return state satisfies never;
  }
}

function notRun({ option, closing }: ApprovalRequest): Line {
  const sentence = `${capital(nameOf(option))} did not run. ${closing?.sentence ?? ''}`.trim();
  const who = closing?.by ?? null;
  return { sentence, quote: closing?.reason ?? null, ...(who !== null && { by: who }) };
}

/** How an outcome is called within a sentence. */
export const outcomeWords = {
  fixed: 'fixed',
  partly: 'partly fixed',
  unchanged: 'no change',
  refilled: 'filled up again',
  worse: 'worse than before',
  unknown: 'outcome unknown',
} as const;

function approved({ option, brokenGlass, votes }: ApprovalRequest): Line {
  if (brokenGlass !== null) {
    const ran = `ran ${nameOf(option)} without the votes it needs (break-glass).`;
    return { ...by(brokenGlass.by, ran), quote: brokenGlass.reason };
  }
  const voters = votes.map((vote) => actorName(vote.by)).join(' and ');
  const sentence = `${capital(voters)} approved ${nameOf(option)}.`;
  const last = votes.at(-1);
  return { sentence, quote: last?.reason ?? null, ...(last !== undefined && { by: last.by }) };
}

function by(actor: Actor, did: string): Line {
  return { sentence: `${capital(actorName(actor))} ${did}`, by: actor };
}

/** A remedy's outcome is often seen after the incident that it ended. */
const recordedAfterMs = 10 * 60_000;

/** What happened to a request, in the timeline of its target's incident, once for each state. Throws JournalUnavailable. */
export async function recordRequest(
  deps: IncidentDeps,
  memories: Memories,
  request: ApprovalRequest,
): Promise<void> {
  const key = `request:${request.id}:${request.state}`;
  // Another process that wrote meanwhile may have written this: then the notes are to be read again.
  await untilQuick(async () => {
    const incident = await findIncidentOf(deps, request);
    if (incident === undefined) return undefined;
    const remembered = await memories.notes.read(incident.id);
    if (remembered.has(key)) return undefined;
    const latest = memories.checks.recent(request.target, deps.clock.now());
    const facts = { key, request: request.id, ...evidenceOf(request, latest, remembered) };
    const note: Note = { kind: 'incident-request', ...tellRequest(request), facts };
    const { state } = incident;
    const changed = await changeFound(deps, incident, { state, change: {}, note });
    if (changed === 'changed' || changed === 'busy') return 'changed';
    const isAfterMissing = request.state === 'done' && !('examination' in facts);
    if (isAfterMissing && state === 'open') addPending(memories, incident, request);
    return undefined;
  });
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

/** The evidence of before, with the last vote; that of after, if it was checked since. */
function evidenceOf(
  { id, state, result }: ApprovalRequest,
  latest: LatestCheck | undefined,
  { mayKeep }: Remembered,
): Note['facts'] {
  const check = latest?.targetCheck;
  if (!mayKeep || latest === undefined || check === undefined) return {};
  if (state === 'approved') return keepCheck(`before:${id}`, check);
  const isAfter = result !== null && latest.watching.lastMs >= Date.parse(result.endedAt);
  return state === 'done' && isAfter ? keepCheck(`after:${id}`, check) : {};
}

/** The next check is the one after it. */
function addPending({ pending }: Memories, { id }: Incident, request: ApprovalRequest): void {
  pending.set(id, (pending.get(id) ?? new Set<string>()).add(request.id));
}

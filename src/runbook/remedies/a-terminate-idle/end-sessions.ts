import { poll } from '../../../timing.ts';
import type { Clock } from '../../../timing.ts';
import type { TerminateGuard } from '../../diagnose/protected-sessions.ts';
import { skipSentences } from '../../diagnose/protected-sessions.ts';
import { count } from '../../snapshot/words.ts';
import type { SessionIdentity, SessionTarget } from '../plan.ts';
import type { Item, Report, RunControl } from '../remedy.ts';
import { countOutcomes } from '../remedy.ts';
import type { PrivilegedSession, SignalOutcome } from './ports.ts';

/** Between two of these somebody can stop it, and the live message can move on. */
export const batchSize = 50;

/** A session that has not ended by then hangs in a system call; it is reported, not waited for. */
const endWithinMs = 5000;
const pollMs = 50;

interface Ending {
  readonly targets: readonly SessionTarget[];
  readonly guard: TerminateGuard;
  readonly control: RunControl;
  readonly clock: Clock;
}

/** Ends sessions in batches, and reports each as it was seen after its signal. */
export async function endSessions(session: PrivilegedSession, ending: Ending): Promise<Report> {
  const { targets, control } = ending;
  const items: Item[] = [];
  for (let from = 0; from < targets.length; from += batchSize) {
    if (await control.isStopped()) break;
    const batch = targets.slice(from, from + batchSize).map(({ identity }) => identity);
    const pids = batch.map(({ pid }) => pid).join(', ');
    const step = from / batchSize;
    await control.intend({
      step,
      sentence: `end ${count(batch.length, 'session')}: pid ${pids}`,
    });
    items.push(...(await endBatch(session, batch, ending)));
    await control.record({
      step,
      sentence: `${items.length} of ${targets.length}: ${countOutcomes(items)}`,
    });
  }
  const missed = targets.slice(items.length).map(({ identity: { pid } }) => notReached(pid));
  const stopped = missed.length > 0 ? 'Stopped before the end. ' : '';
  const all = [...items, ...missed];
  const finished = all.every(({ outcome }) => outcome !== 'not reached');
  return {
    items: all,
    summary: `${stopped}Of ${count(all.length, 'session')}: ${countOutcomes(all)}.`,
    finished,
  };
}

async function endBatch(
  session: PrivilegedSession,
  batch: readonly SessionIdentity[],
  { guard, clock, control: { lease } }: Ending,
): Promise<Item[]> {
  const outcomes = await session.terminateSessions(batch, { guard, lease });
  const signalled = new Set(
    outcomes.filter(({ outcome }) => outcome === 'signalled').map(({ pid }) => pid),
  );
  const sent = batch.filter(({ pid }) => signalled.has(pid));
  const remaining = await waitUntilGone(session, sent, { clock, withinMs: endWithinMs });
  return outcomes.map((outcome) => toItem(outcome, remaining));
}

interface WaitLimits {
  readonly clock: Clock;
  readonly withinMs: number;
}

/** A signal that was sent is no end. Looks until the sessions are gone, and returns the pids that are not. */
export async function waitUntilGone(
  session: PrivilegedSession,
  sent: readonly SessionIdentity[],
  { clock, withinMs }: WaitLimits,
): Promise<ReadonlySet<number>> {
  let remaining = sent;
  await poll({ everyMs: pollMs, withinMs, clock }, async (isOver) => {
    if (remaining.length === 0) return true;
    const still = new Set(await session.readRemainingSessions(remaining));
    // Once gone is gone: its pid may be another session's by the next look.
    remaining = remaining.filter(({ pid }) => still.has(pid));
    return remaining.length === 0 || isOver() || undefined;
  });
  return new Set(remaining.map(({ pid }) => pid));
}

function toItem({ pid, outcome }: SignalOutcome, remaining: ReadonlySet<number>): Item {
  const item = (word: Item['outcome'], detail: string): Item => ({
    what: `pid ${pid}`,
    outcome: word,
    detail,
    lines: [],
  });
  switch (outcome) {
    case 'signalled':
      return remaining.has(pid)
        ? item('still there', 'The signal was sent, but it was still there after 5 s.')
        : item('ended', 'The signal was sent, and it is gone.');
    case 'already gone':
      return item('already gone', 'It had ended by itself.');
    case 'moved on':
      return item('moved on', 'It was active again before the signal.');
    case 'too late':
      return item('not reached', 'The signal reached PostgreSQL too late and was not sent.');
    default:
      return item('refused', `Skipped: ${skipSentences[outcome]}.`);
  }
}

function notReached(pid: number): Item {
  const detail = 'Changes were stopped before this one.';
  return { what: `pid ${pid}`, outcome: 'not reached', detail, lines: [] };
}

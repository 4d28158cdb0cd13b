import { poll } from '../../../timing.ts';
import { skipSentences } from '../../diagnose/protected-sessions.ts';
import { count } from '../../snapshot/words.ts';
import type { BlockerTarget, Plan } from '../plan.ts';
import type { Item, Report, RunControl } from '../remedy.ts';
import { countOutcomes } from '../remedy.ts';
import { lastStep, toSteps } from './draft.ts';
import type { BlockerStep } from './draft.ts';
import type { BlockerOutcome, BlockerSession, BlockerSignal } from './ports.ts';
import {
  blockersOf,
  defaultReleaseWithinMs,
  isSameStatement,
  stillBlocks,
  toGuard,
} from './same-blocker.ts';
import type { OptionDPorts } from './same-blocker.ts';

const pollMs = 100;
/** A session that has not ended by then hangs in a system call; it is reported, not waited for. */
const endWithinMs = 5000;
/** Row by row those who waited let each other through in milliseconds. */
const goOnWithinMs = 2000;
const noneWaits = 'None of the planned sessions waits for it any more.';

interface StopRun {
  readonly plan: Plan;
  readonly left: readonly BlockerTarget[];
  readonly ports: OptionDPorts;
  readonly control: RunControl;
}

interface Act extends StopRun {
  readonly session: BlockerSession;
  readonly steps: readonly BlockerStep[];
}

/** Stops them one after the other, each held against the present waits first, and looks who still waits. */
export async function stopBlockers(session: BlockerSession, stop: StopRun): Promise<Report> {
  const steps = toSteps(blockersOf(stop.plan.targets));
  const act: Act = { ...stop, session, steps };
  const { waitersTotal: before } = await session.readWaits();
  const items: Item[] = [];
  for (const target of stop.left) {
    if (await stop.control.isStopped()) break;
    items.push(await stopOne(act, target));
  }
  const missed = stop.left
    .slice(items.length)
    .map((target) => toItem(target, 'not reached', 'Changes were stopped before this one.'));
  const lastCheck = { step: steps.length };
  const waited = stop.plan.ask.kind !== 'cancel-slow';
  await stop.control.intend({ ...lastCheck, sentence: lastStep(!waited) });
  const waits = `${count(before, 'session')} waited before, ${await countWaiters(act)} after`;
  await stop.control.record({ ...lastCheck, sentence: waits });
  const all = [...items, ...missed];
  const finished = all.every(({ outcome }) => outcome !== 'not reached');
  const stopped = finished ? '' : 'Stopped before the end. ';
  return {
    items: all,
    summary: `${stopped}Of ${count(all.length, 'session')}: ${countOutcomes(all)}.${waited ? ` ${waits}.` : ''}`,
    finished,
  };
}

async function stopOne(act: Act, target: BlockerTarget): Promise<Item> {
  if (target.how === 'terminate') return take(act, { target, how: 'terminate' }, false);
  const cancelled = await take(act, { target, how: 'cancel' }, false);
  if (target.how === 'cancel') return cancelled;
  const step = stepOf(act, { target, how: 'terminate' });
  const { pid } = target.identity;
  if (cancelled.outcome !== 'still there') {
    const why = cancelled.outcome === 'not reached' ? 'not done' : 'not needed';
    await act.control.record({
      step,
      sentence: `pid ${pid}: ${why}`,
      facts: factsOf(cancelled),
    });
    return cancelled;
  }
  if (await act.control.isStopped()) {
    return toItem(
      target,
      'not reached',
      `${cancelled.detail} Changes were stopped before ending it.`,
    );
  }
  const ended = await take(act, { target, how: 'terminate' }, true);
  const letGo = ended.outcome === 'moved on' || ended.outcome === 'already gone';
  return letGo
    ? toItem(target, 'cancelled', `Its statement was cancelled. ${ended.detail}`)
    : ended;
}

/** One step: intent, signal, what came of it. */
async function take(act: Act, step: BlockerStep, afterCancel: boolean): Promise<Item> {
  const { target, how } = step;
  const { pid } = target.identity;
  const index = stepOf(act, step);
  await act.control.intend({ step: index, sentence: `${how} pid ${pid}` });
  const outcome = await signal(act, step, afterCancel);
  const item = outcome === 'signalled' ? await awaitEffect(act, step) : itemOf(target, outcome);
  await act.control.record({
    step: index,
    sentence: `pid ${pid}: ${item.outcome}`,
    facts: factsOf(item),
  });
  return item;
}

function signal(act: Act, step: BlockerStep, afterCancel: boolean): Promise<BlockerOutcome> {
  const { session, ports, plan } = act;
  const { target, how } = step;
  const { identity, queued } = target;
  const named = plan.ask.kind !== 'stop-blockers';
  const waiters = named ? null : target.waiters;
  const same = sameFor(how, plan.ask.kind === 'stop-session', afterCancel);
  const under = { guard: toGuard(ports), lease: act.control.lease };
  return session.signalBlocker({ how, identity, queued, same, waiters }, under);
}

/** Who somebody named is ended whatever it does by then; a blocker only at rest as it was, or in the transaction that was cancelled. */
function sameFor(
  how: BlockerStep['how'],
  named: boolean,
  afterCancel: boolean,
): BlockerSignal['same'] {
  if (how === 'cancel') return 'statement';
  if (named) return 'session';
  return afterCancel ? 'transaction' : 'statement';
}

/** A signal that was sent is no end: looks until the session is gone, or its statement, or those behind it. */
async function awaitEffect(act: Act, { target, how }: BlockerStep): Promise<Item> {
  if (how === 'terminate') {
    const gone = await until(act, endWithinMs, async () => (await find(act, target)) === undefined);
    return gone
      ? toItem(target, 'ended', 'The signal was sent, and it is gone.')
      : toItem(target, 'still there', 'The signal was sent, but it was still there after 5 s.');
  }
  const withinMs = act.ports.releaseWithinMs ?? defaultReleaseWithinMs;
  if (act.plan.ask.kind !== 'stop-blockers') {
    const ended = await until(act, withinMs, async () => {
      const now = await find(act, target);
      return now === undefined || !isSameStatement(now.identity, target.identity);
    });
    return ended
      ? toItem(target, 'cancelled', 'Its statement was cancelled.')
      : toItem(target, 'still there', 'The cancel was sent, but its statement still runs.');
  }
  const released = await until(
    act,
    withinMs,
    async () => !stillBlocks(target, await act.session.readWaits()),
  );
  return released
    ? toItem(target, 'cancelled', `Its statement was cancelled. ${noneWaits}`)
    : toItem(target, 'still there', 'Its statement was cancelled, but others still wait for it.');
}

/** The session itself, told by pid and start; undefined once it is gone. */
async function find(
  { session, ports }: Act,
  { identity }: BlockerTarget,
): Promise<{ readonly identity: BlockerTarget['identity'] } | undefined> {
  const found = await session.readBlockers([identity.pid], toGuard(ports));
  return found.find((one) => one.identity.startedAt === identity.startedAt);
}

async function countWaiters(act: Act): Promise<number> {
  let left = 0;
  await until(act, goOnWithinMs, async () => {
    left = (await act.session.readWaits()).waitersTotal;
    return left === 0;
  });
  return left;
}

async function until(
  { ports: { clock } }: Act,
  withinMs: number,
  isTrue: () => Promise<boolean>,
): Promise<boolean> {
  return poll({ everyMs: pollMs, withinMs, clock }, async (isOver) => {
    if (await isTrue()) return true;
    return isOver() ? false : undefined;
  });
}

function stepOf({ steps }: Act, { target, how }: BlockerStep): number {
  return steps.findIndex(
    (step) => step.how === how && step.target.identity.pid === target.identity.pid,
  );
}

function itemOf(target: BlockerTarget, outcome: Exclude<BlockerOutcome, 'signalled'>): Item {
  switch (outcome) {
    case 'already gone':
      return toItem(target, 'already gone', 'It had ended by itself.');
    case 'moved on':
      return toItem(target, 'moved on', 'It is running something else now.');
    case 'released':
      return toItem(target, 'moved on', noneWaits);
    case 'too late':
      return toItem(
        target,
        'not reached',
        'The signal reached PostgreSQL too late and was not sent.',
      );
    default:
      return toItem(target, 'refused', `Skipped: ${skipSentences[outcome]}.`);
  }
}

function toItem({ identity }: BlockerTarget, outcome: Item['outcome'], detail: string): Item {
  return { what: `pid ${identity.pid}`, outcome, detail, lines: [] };
}

/** What `recover` can tell of it after a crash. */
function factsOf({ outcome }: Item): { outcome: string } {
  return { outcome };
}

import type { StopRequest } from './ports.ts';
import { describeSteps } from './blocker-steps.ts';
import type { PlanDraft, Skipped } from '../plan.ts';
import type { BlockerTarget } from '../targets/blocker.ts';
import { count, durationOfMs } from '../../snapshot/wording.ts';

interface Stopping {
  readonly target: string;
  readonly ask: StopRequest;
  readonly targets: readonly BlockerTarget[];
  readonly spared: readonly Skipped[];
  readonly waiters: number;
  readonly releaseWithinMs: number;
}

const skippedShown = 50;

/** The plan of option D, with what it costs and brings. */
export function draftStop(stopping: Stopping): PlanDraft {
  const { target, ask, targets, spared, waiters, releaseWithinMs } = stopping;
  const ends = targets.filter(({ how }) => how === 'terminate').length;
  return {
    option: 'D',
    target,
    ask,
    title: titleOf(stopping),
    subject: ask.kind === 'stop-session' ? (targets[0]?.identity.application ?? null) : null,
    targets: [...targets],
    spared: spared.slice(0, skippedShown),
    sparedTotal: spared.length,
    cost: targets.flatMap(costOf),
    frees: { slots: ends, sentence: brings(waiters, ends) },
    undo: 'What is cancelled or ended cannot be brought back; whoever ran it has to run it again.',
    undoAsk: null,
    steps: describeSteps(targets, releaseWithinMs, ask.kind === 'cancel-slow'),
    risk: targets.every(({ queued }) => queued) ? 'low' : riskOf(targets),
  };
}

function titleOf({ ask, targets, waiters }: Stopping): string {
  if (ask.kind === 'cancel-slow') return titleOfSlow(targets, ask.runningForMs);
  if (ask.kind === 'stop-session') {
    return ask.how === 'cancel'
      ? `Cancel the statement of pid ${ask.pid}`
      : `Terminate pid ${ask.pid}`;
  }
  return `Stop ${count(targets.length, 'blocker')} that ${targets.length === 1 ? 'holds' : 'hold'} up ${count(waiters, 'session')}`;
}

function titleOfSlow(targets: readonly BlockerTarget[], runningForMs: number): string {
  const ends = targets.filter(({ how }) => how === 'terminate').length;
  const over = `for over ${durationOfMs(runningForMs)}`;
  const end = `${count(ends, 'session')} waiting for ${ends === 1 ? 'its client' : 'their clients'}`;
  if (ends === targets.length) return `Terminate ${end} ${over}`;
  const cancel = `Cancel ${count(targets.length - ends, 'statement')} running ${over}`;
  return ends === 0 ? cancel : `${cancel}, and terminate ${end}`;
}

function riskOf(targets: readonly BlockerTarget[]): PlanDraft['risk'] {
  const loses = targets.some(({ queued, hasWritten }) => !queued && hasWritten);
  return loses ? 'high' : 'medium';
}

/** What is lost with one of them, in a sentence or two. */
function costOf({ identity, queued, how, victims, ...facts }: BlockerTarget): string[] {
  const who = `pid ${identity.pid}`;
  if (queued) {
    // A statement that waits for an exclusive lock has a transaction number already: it tells nothing of earlier work.
    const alone = identity.transactionStartedAt === identity.queryStartedAt;
    const also = alone ? '' : `, and so does its transaction, open for ${age(facts)}`;
    return [`${who}: its statement fails${also}. Run it again with a lock_timeout.`];
  }
  const open = facts.transactionAgeSeconds === null ? [] : [`a transaction open for ${age(facts)}`];
  const parts = [
    ...open,
    ...(facts.locksHeld > 0 ? [count(facts.locksHeld, 'lock')] : []),
    ...(victims > 0 ? [`${count(victims, 'session')} behind it`] : []),
  ];
  const lost = facts.hasWritten ? ' What it wrote is lost.' : ' It has written nothing.';
  const fails = how === 'terminate' ? 'its connection breaks' : 'its statement fails';
  const costs = parts.length === 0 ? '' : `${parts.join(', ')}; `;
  return [`${who}: ${costs}${fails} in its application.${lost}`];
}

function age({ transactionAgeSeconds }: Pick<BlockerTarget, 'transactionAgeSeconds'>): string {
  return durationOfMs((transactionAgeSeconds ?? 0) * 1000);
}

function brings(waiters: number, ends: number): string {
  const goOn = waiters === 0 ? 'Nobody waits for it' : `${count(waiters, 'session')} can go on`;
  return ends === 0
    ? `${goOn}; a cancelled statement keeps its connection.`
    : `${goOn}; frees ${count(ends, 'slot')} until the applications connect again.`;
}

import { whyBlockerSkipped } from '../../diagnose/protected-sessions.ts';
import { capital, count, durationOfMs } from '../../snapshot/words.ts';
import type { BlockerTarget, PlanDraft, Skipped } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer } from '../remedy.ts';
import type { Blocker, BlockerSession } from './ports.ts';
import { defaultReleaseWithinMs, toGuard } from './same-blocker.ts';
import type { OptionDPorts, StopRequest } from './same-blocker.ts';

/** One thing to do to one session. A cancel that may have to be followed by more is two steps. */
export interface BlockerStep {
  readonly target: BlockerTarget;
  readonly how: 'cancel' | 'terminate';
}

/** The plan's steps but the last, which looks whether the others go on. */
export function toSteps(targets: readonly BlockerTarget[]): readonly BlockerStep[] {
  return targets.flatMap((target): BlockerStep[] =>
    target.how === 'cancel-then-terminate'
      ? [
          { target, how: 'cancel' },
          { target, how: 'terminate' },
        ]
      : [{ target, how: target.how }],
  );
}

export function lastStep(isSlow: boolean): string {
  return isSlow
    ? 'check whether their statements ended'
    : 'check whether the waiting sessions continue';
}

/**
 * @param releaseWithinMs how long a cancel may take to let the others go
 * @param isSlow nobody waits for them: their statements only run too long
 */
function describeSteps(
  targets: readonly BlockerTarget[],
  releaseWithinMs: number,
  isSlow: boolean,
): string[] {
  return [
    ...toSteps(targets).map((step) => describe(step, releaseWithinMs)),
    capital(lastStep(isSlow)),
  ];
}

function describe({ target, how }: BlockerStep, releaseWithinMs: number): string {
  const { identity, queued, victims } = target;
  const who = `pid ${identity.pid}`;
  if (queued) {
    return `Cancel the queued statement of ${who}: ${count(victims, 'session')} behind it can continue at once`;
  }
  if (how === 'cancel') return `Cancel the statement of ${who}`;
  return target.how === 'terminate'
    ? `End ${who}, ${doing(identity.state)}`
    : `End ${who} if it still blocks others ${durationOfMs(releaseWithinMs)} after the cancel`;
}

const states = new Map([
  ['active', 'which runs a statement'],
  ['idle', 'idle'],
  ['idle in transaction', 'idle in transaction (a cancel has no effect)'],
  ['idle in transaction (aborted)', 'in an aborted transaction (a cancel has no effect)'],
]);

function doing(state: string): string {
  return states.get(state) ?? 'in any state';
}

interface Stopping {
  readonly target: string;
  readonly ask: StopRequest;
  readonly targets: readonly BlockerTarget[];
  readonly skipped: readonly Skipped[];
  readonly waiters: number;
  readonly releaseWithinMs: number;
}

const skippedShown = 50;

/** The plan of option D, with what it costs and brings. */
export function draftStop(stopping: Stopping): PlanDraft {
  const { target, ask, targets, skipped, waiters, releaseWithinMs } = stopping;
  const ends = targets.filter(({ how }) => how === 'terminate').length;
  return {
    option: 'D',
    target,
    ask,
    title: titleOf(stopping),
    subject: ask.kind === 'stop-session' ? (targets[0]?.identity.application ?? null) : null,
    targets: [...targets],
    skipped: skipped.slice(0, skippedShown),
    skippedTotal: skipped.length,
    cost: targets.flatMap(costOf),
    frees: { slots: ends, sentence: brings(waiters, ends) },
    undo: 'Not possible. The statements have to be run again.',
    undoAsk: null,
    steps: describeSteps(targets, releaseWithinMs, ask.kind === 'cancel-slow'),
    risk: targets.every(({ queued }) => queued) ? 'low' : riskOf(targets),
  };
}

function titleOf({ ask, targets, waiters }: Stopping): string {
  if (ask.kind === 'cancel-slow') return titleOfSlow(targets, ask.runningForMs);
  if (ask.kind === 'stop-session') {
    return ask.how === 'cancel' ? `Cancel the statement of pid ${ask.pid}` : `End pid ${ask.pid}`;
  }
  return `Stop ${count(targets.length, 'blocker')} of ${count(waiters, 'waiting session')}`;
}

function titleOfSlow(targets: readonly BlockerTarget[], runningForMs: number): string {
  const ends = targets.filter(({ how }) => how === 'terminate').length;
  const over = `for over ${durationOfMs(runningForMs)}`;
  const end = `${count(ends, 'session')} waiting for ${ends === 1 ? 'its client' : 'their clients'}`;
  if (ends === targets.length) return `End ${end} ${over}`;
  const cancel = `Cancel ${count(targets.length - ends, 'statement')} running ${over}`;
  return ends === 0 ? cancel : `${cancel}, and end ${end}`;
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
    const also = alone ? '' : `, with its transaction, open for ${age(facts)}`;
    return [`${who}: its statement fails${also}. Run it again with a lock_timeout.`];
  }
  const open = facts.transactionAgeSeconds === null ? [] : [`a transaction open for ${age(facts)}`];
  const parts = [
    ...open,
    ...(facts.locksHeld > 0 ? [count(facts.locksHeld, 'lock')] : []),
    ...(victims > 0 ? [`${count(victims, 'session')} behind it`] : []),
  ];
  const lost = facts.hasWritten ? ' Its uncommitted writes are lost.' : ' It has written nothing.';
  const fails =
    how === 'terminate' ? 'its application loses the connection' : 'its statement fails';
  const costs = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
  return [`${who}${costs}: ${fails}.${lost}`];
}

function age({ transactionAgeSeconds }: Pick<BlockerTarget, 'transactionAgeSeconds'>): string {
  return durationOfMs((transactionAgeSeconds ?? 0) * 1000);
}

function brings(waiters: number, ends: number): string {
  const goOn =
    waiters === 0 ? 'No session waits for it' : `${count(waiters, 'session')} can continue`;
  return ends === 0
    ? `${goOn}. A cancelled statement keeps its connection.`
    : `${goOn}. Frees ${count(ends, 'connection')} until the applications reconnect.`;
}

/** As many as somebody can read through; the longest come first, and one can ask again. */
const mostStatements = 50;

/**
 * Statements to cancel because they run too long: their connections go back to their pools. Those that wait for their
 * client are terminated: a cancel would be heard only once the client listens again.
 */
export async function planSlow(
  ports: OptionDPorts,
  session: BlockerSession,
  ask: Extract<RemedyRequest, { kind: 'cancel-slow' }>,
): Promise<Answer<PlanDraft>> {
  const { runningForMs } = ask;
  const slow = { runningForMs, atMost: ports.mostBlockersOfPlan ?? mostStatements };
  const targets: BlockerTarget[] = [];
  const skipped: Skipped[] = [];
  for (const blocker of await session.readSlow(slow, toGuard(ports))) {
    const reason = whyBlockerSkipped(blocker);
    const { pid, application } = blocker.identity;
    if (reason === null) targets.push(toTarget(blocker));
    else skipped.push({ what: `pid ${pid}`, label: application, reason });
  }
  if (targets.length === 0) return refuseNothing(runningForMs, skipped);
  const releaseWithinMs = ports.releaseWithinMs ?? defaultReleaseWithinMs;
  return done(
    draftStop({ target: ports.target.name, ask, targets, skipped, waiters: 0, releaseWithinMs }),
  );
}

function toTarget({ skipped: _skipped, process, ...facts }: Blocker): BlockerTarget {
  const how = process === 'slow client' ? 'terminate' : 'cancel';
  return { kind: 'blocker', ...facts, how, queued: false, victims: 0, waiters: [] };
}

function refuseNothing(runningForMs: number, skipped: readonly Skipped[]): Answer<PlanDraft> {
  const over = durationOfMs(runningForMs);
  const next = 'Check with /dbconn sessions.';
  const [{ reason } = { reason: '' }] = skipped;
  if (skipped.length === 0) {
    return refuse('nothing-to-do', `No statement has run for over ${over}.`, next);
  }
  const why = `${count(skipped.length, 'statement')} running for over ${over}, all skipped: ${reason}.`;
  return refuse('nothing-to-do', why, next);
}

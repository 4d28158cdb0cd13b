import type { BlockerTarget } from '../targets/blocker.ts';
import { capital, count, durationOfMs } from '../../snapshot/wording.ts';

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
    ? 'look whether their statements have ended'
    : 'look whether those who waited go on';
}

/**
 * @param releaseWithinMs how long a cancel may take to let the others go
 * @param isSlow nobody waits for them: their statements only run too long
 */
export function describeSteps(
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
    return `Cancel the queued statement of ${who}: ${count(victims, 'session')} behind it can go on at once`;
  }
  if (how === 'cancel') return `Cancel the statement of ${who}`;
  return target.how === 'terminate'
    ? `Terminate ${who}, ${doing(identity.state)}`
    : `Terminate ${who} if it still holds up others ${durationOfMs(releaseWithinMs)} after the cancel`;
}

const states = new Map([
  ['active', 'which runs a statement'],
  ['idle', 'idle'],
  ['idle in transaction', 'idle in transaction: a cancel does nothing to it'],
  ['idle in transaction (aborted)', 'in an aborted transaction: a cancel does nothing to it'],
]);

function doing(state: string): string {
  return states.get(state) ?? 'whatever it does';
}

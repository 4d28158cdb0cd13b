import type { StepProgress } from '../../runbook/remedies/remedy.ts';

/** How far a plan's steps are, gathered from what is heard of them. */
export interface RunProgress {
  readonly steps: ReadonlyMap<number, StepTimes>;
  /** Where the present step stands, such as `12 of 61 ended`. */
  readonly progress: string | null;
}

export interface StepTimes {
  readonly begunAt: string;
  /** Null while it runs, or when it broke off. */
  readonly endedAt: string | null;
}

export const notBegun: RunProgress = { steps: new Map(), progress: null };

/** A step may be told of in several parts: it lasts from its first intent to its last end. */
export function follow(runProgress: RunProgress, update: StepProgress): RunProgress {
  switch (update.kind) {
    case 'progress':
      return { ...runProgress, progress: update.sentence };
    case 'intended':
    case 'done': {
      const begunAt = runProgress.steps.get(update.step)?.begunAt ?? update.at;
      const endedAt = update.kind === 'done' ? update.at : null;
      const steps = new Map([...runProgress.steps, [update.step, { begunAt, endedAt }] as const]);
      return { steps, progress: update.kind === 'done' ? null : update.sentence };
    }
    default:
      return runProgress;
  }
}

import { signalWithinMs } from '../snapshot/ports.ts';
import type { StepEntry } from './remedy.ts';

/** From here on no signal that was sent before can arrive any more, and whoever got one has had time to end. */
export const settledAfterMs = signalWithinMs + 1000;

/** Whether a step was begun of which no end is recorded: its signal may still be on its way. */
export function hasOpenStep(steps: readonly StepEntry[]): boolean {
  const last = new Map(steps.map(({ step, kind }) => [step, kind]));
  return [...last.values()].includes('intended');
}

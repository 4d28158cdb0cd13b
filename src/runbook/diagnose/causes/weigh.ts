import type { Cause, CauseName } from '../diagnosis.ts';

/** One sign of a cause. A negative weight speaks against it, and so does a weight of 0: what is not known. */
export interface Sign {
  readonly weight: number;
  readonly say: string;
}

/** Below this a suspicion would send people the wrong way. */
const leastConfidence = 0.3;
/** Nothing seen from outside is certain. */
const mostConfidence = 0.95;

/** A sign when the condition holds. */
export function sign(holds: boolean, weight: number, say: string): Sign[] {
  return holds ? [{ weight, say }] : [];
}

/** Adds the signs up; none when they do not suffice. */
export function weigh(cause: CauseName, summary: string, signs: readonly Sign[]): Cause[] {
  const total = signs.reduce((weights, { weight }) => weights + weight, 0);
  if (total < leastConfidence - 1e-9) return [];
  return [
    {
      cause,
      confidence: Math.round(Math.min(total, mostConfidence) * 100) / 100,
      summary,
      because: signs.filter(({ weight }) => weight > 0).map(({ say }) => say),
      against: signs.filter(({ weight }) => weight <= 0).map(({ say }) => say),
    },
  ];
}

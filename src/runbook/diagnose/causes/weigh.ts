import type { Cause, CauseName } from '../diagnosis.ts';

/** One sign of a cause. A negative weight speaks against it, and so does a weight of 0: what is not known. */
export interface Indicator {
  readonly weight: number;
  readonly sentence: string;
}

/** Below this a suspicion would send people the wrong way. */
const leastConfidence = 0.3;
/** Nothing seen from outside is certain. */
const mostConfidence = 0.95;

/** A sign when the condition holds. */
export function indicator(holds: boolean, weight: number, sentence: string): Indicator[] {
  return holds ? [{ weight, sentence }] : [];
}

/** Adds the signs up; none when they do not suffice. */
export function scoreCause(
  cause: CauseName,
  summary: string,
  indicators: readonly Indicator[],
): Cause[] {
  const total = indicators.reduce((weights, { weight }) => weights + weight, 0);
  if (total < leastConfidence - 1e-9) return [];
  return [
    {
      cause,
      confidence: Math.round(Math.min(total, mostConfidence) * 100) / 100,
      summary,
      because: indicators.filter(({ weight }) => weight > 0).map(({ sentence }) => sentence),
      against: indicators.filter(({ weight }) => weight <= 0).map(({ sentence }) => sentence),
    },
  ];
}

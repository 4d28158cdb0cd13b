import type { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';

/** A target as its latest look left it. Figures and configured names only. */
export interface TargetSummary {
  readonly target: string;
  readonly state: Diagnosis['state'];
  readonly headline: string;
  /** Null where no capacity was seen. */
  readonly capacity: { readonly used: number; readonly usable: number } | null;
  /** When the look was taken, UTC ISO text; null before the first one. */
  readonly takenAt: string | null;
}

/** The latest look of every target, without looking anew: opening a tab must cost no connection. */
export type ReadSummaries = () => readonly TargetSummary[];

export function toTargetSummary({
  target,
  state,
  headline,
  capacity,
  takenAt,
}: Diagnosis): TargetSummary {
  return {
    target,
    state,
    headline,
    capacity: capacity === null ? null : { used: capacity.used, usable: capacity.usable },
    takenAt,
  };
}

import type { Severity } from '../diagnose/diagnosis.ts';

const ranks: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

/** The worse of two. */
export function moreSevere(a: Severity, b: Severity): Severity {
  return ranks[a] >= ranks[b] ? a : b;
}

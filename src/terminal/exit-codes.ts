import type { Diagnosis } from '../runbook/diagnose/diagnosis.ts';
import type { Check } from '../runbook/doctor.ts';

/** As monitoring plugins have them (Monitoring Plugins Development Guidelines, section 2.3). */
export const exitCodes = { fine: 0, warning: 1, critical: 2, unknown: 3 } as const;

export function exitCodeOf({ state }: Diagnosis): number {
  return exitCodes[state];
}

export function exitCodeOfChecks(checks: readonly Check[]): number {
  if (checks.some(({ state }) => state === 'missing')) return exitCodes.critical;
  return checks.some(({ state }) => state === 'warning') ? exitCodes.warning : exitCodes.fine;
}

import type { Diagnosis } from '../runbook/diagnose/diagnosis.ts';
import type { Check } from '../runbook/diagnose/doctor.ts';
import type { Prevention } from '../runbook/reports/report.ts';

/** As monitoring plugins have them (Monitoring Plugins Development Guidelines, section 2.3). */
export const exitCodes = { fine: 0, warning: 1, critical: 2, unknown: 3 } as const;

export function exitCodeOf({ state }: Diagnosis): number {
  return exitCodes[state];
}

export function exitCodeOfChecks(checks: readonly Check[]): number {
  if (checks.some(({ state }) => state === 'missing')) return exitCodes.critical;
  return checks.some(({ state }) => state === 'warning') ? exitCodes.warning : exitCodes.fine;
}

/** What could not be read is not well: nobody should take silence of a full server for calm. */
export function exitCodeOfPrevention({ checks }: Pick<Prevention, 'checks'>): number {
  if (checks.some(({ state }) => state === 'advice')) return exitCodes.warning;
  const ofServer = checks.filter(({ part }) => part === 'postgresql');
  return ofServer.every(({ state }) => state === 'unknown') ? exitCodes.unknown : exitCodes.fine;
}

/** What a word of the terminal came to. */
export interface CommandResult {
  readonly text: string;
  readonly code: number;
}

export function refused(text: string): CommandResult {
  return { text, code: exitCodes.unknown };
}

/** What could not be answered goes to standard error, so that a pipe gets nothing else than an answer. */
export function print({ text, code }: CommandResult): number {
  (code === exitCodes.unknown ? console.error : console.log)(text);
  return code;
}

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
  (code === exitCodes.unknown ? warn : say)(text);
  return code;
}

export function say(text: string): void {
  endProgress();
  console.log(text);
}

export function warn(text: string): void {
  endProgress();
  console.error(text);
}

const progressEveryMs = 1000;
let endProgress = (): void => undefined;
let showsProgress = false;

/** To be called where standard error is a terminal whose cursor moves. */
export function allowProgress(): void {
  showsProgress = true;
}

/** Says in a line of a terminal what is waited for, from one second on; it is gone before anything else is printed. */
export async function withProgress<T>(what: string, work: () => Promise<T>): Promise<T> {
  const { stderr } = process;
  if (!showsProgress) return work();
  let seconds = 0;
  const timer = setInterval(() => {
    seconds += 1;
    stderr.write(`\r${what}, ${seconds} s (Ctrl-C stops)\u001B[K`);
    endProgress = (): void => {
      stderr.write('\r\u001B[K');
      endProgress = (): void => undefined;
    };
  }, progressEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    endProgress();
  }
}

import { exitCodes } from './exit-codes.ts';

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

import { JournalUnavailable } from '../../runbook/approvals/journal.ts';

/** SQLite's primary result codes that an operator can do something about. */
const sentences = new Map([
  [5, 'The journal is locked by another process. End whatever else has it open.'],
  [6, 'The journal is locked by another process. End whatever else has it open.'],
  [
    8,
    'The journal cannot be written. Give the user dbconn runs as write access to it and its folder.',
  ],
  [10, 'The disk under the journal gave an error. See the log of the machine.'],
  [11, 'The journal is damaged. Keep a copy, and run: dbconn journal verify.'],
  [
    13,
    'The journal is full: its disk, or its own bound. Make room, or name a new file as journal.',
  ],
  [
    14,
    'The journal cannot be opened. Check that its folder exists and that dbconn may write there.',
  ],
  [26, 'The file named as journal is not a journal. Name another one.'],
]);

/** The one place where SQLite's errors become words. Anything that is no error of SQLite stays what it is. */
export function toJournalError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof JournalUnavailable) return error;
  const code = resultCodeOf(error);
  if (code !== undefined) {
    const sentence = sentences.get(code) ?? `The journal failed (SQLite result ${code}).`;
    return new JournalUnavailable(sentence, { cause: error });
  }
  // node:sqlite has a code of its own for a database that was closed, as it is while dbconn ends.
  const isClosed = 'code' in error && error.code === 'ERR_INVALID_STATE';
  return isClosed
    ? new JournalUnavailable('The journal is closed: dbconn is ending.', { cause: error })
    : error;
}

/** Whether another process only holds the file for a moment. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && [5, 6].includes(resultCodeOf(error) ?? 0);
}

function resultCodeOf(error: Error): number | undefined {
  if (!('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  // The low byte is the primary code, the rest says more about it.
  return error.errcode & 0xff;
}

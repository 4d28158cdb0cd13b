import { JournalUnavailable } from './journal-unavailable.ts';

/** What the journal holds was not written by dbconn: nothing may be done that rests on it. */
export class JournalTampered extends JournalUnavailable {
  /** What is not as it was written, as a sentence. */
  readonly problem: string;

  constructor(problem: string) {
    super(`${problem} ${tamperedAdvice}`);
    this.name = 'JournalTampered';
    this.problem = problem;
  }
}

export const tamperedAdvice =
  'Keep a copy of the journal, run dbconn journal verify, and name a new journal.';

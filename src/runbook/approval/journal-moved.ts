import { JournalUnavailable } from './journal-unavailable.ts';

/** The journal is no longer where it was opened: what is written there now, nobody would find again. */
export class JournalMoved extends JournalUnavailable {
  constructor(what: string) {
    super(`${what} Put it back, or restart dbconn with another journal.`);
    this.name = 'JournalMoved';
  }
}

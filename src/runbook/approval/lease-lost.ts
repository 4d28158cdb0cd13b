import { JournalUnavailable } from './journal-unavailable.ts';

/** Another process took this request over: whoever meets this must not touch its targets any more. */
export class LeaseLost extends JournalUnavailable {
  constructor(request: string) {
    super(`Request ${request} was taken over by another dbconn. This one stopped working on it.`);
    this.name = 'LeaseLost';
  }
}

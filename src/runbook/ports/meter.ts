import type { Diagnosis } from '../diagnose/diagnosis.ts';

/** What dbconn counts of its own work, for whoever watches it. Nothing here throws or waits. */
export interface Meter {
  look(look: Pick<Diagnosis, 'target' | 'tookMs' | 'state' | 'reach'>): void;
  /** A webhook answered with that HTTP status. */
  webhook(status: number): void;
  /** What became of an alert: `opened`, `joined`, `known`, `ignored`, `unplaced`, `refused`. */
  alert(fate: string): void;
  /** A call to Slack's Web API: `ok`, `limited` for a 429, `failed`. */
  slackCall(method: string, outcome: 'ok' | 'limited' | 'failed'): void;
  /** A step of an escalation policy: it fell due, was taken, was refused, or was found not taken in time. */
  escalation(what: 'due' | 'sent' | 'failed' | 'overdue'): void;
  /** A request came to its end: its option, and the outcome's word or how it ended else. */
  request(option: string, outcome: string): void;
  /** The incidents that are open, and whether this process tends them. */
  incidents(open: number, tending: boolean): void;
}

/** Counts nothing: for the terminal and for tests that count themselves. */
export const noMeter: Meter = {
  look: () => undefined,
  webhook: () => undefined,
  alert: () => undefined,
  slackCall: () => undefined,
  escalation: () => undefined,
  request: () => undefined,
  incidents: () => undefined,
};

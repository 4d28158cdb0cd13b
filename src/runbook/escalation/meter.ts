import type { Diagnosis } from '../diagnose/diagnosis.ts';

/** What dbconn counts of its own work, for whoever watches it. Nothing here throws or waits. */
export interface Meter {
  check(check: Pick<Diagnosis, 'target' | 'tookMs' | 'state' | 'reach'>): void;
  /** A webhook answered with that HTTP status. */
  webhook(status: number): void;
  /** What became of an alert: `opened`, `joined`, `known`, `ignored`, `unplaced`, `refused`. */
  alert(alertOutcome: string): void;
  slackCall(call: SlackCall): void;
  /** A step of an escalation policy: it fell due, was taken, was refused, or was found not taken in time. */
  escalation(what: 'due' | 'sent' | 'failed' | 'overdue'): void;
  /** A request came to its end: its option, and the outcome's word or how it ended else. */
  request(option: string, outcome: string): void;
  /** The incidents that are open, and whether this process leads. */
  incidents(open: number, isLeading: boolean): void;
}

/** A call to Slack's Web API and what came of it: `limited` is a 429, `failed` no answer of Slack's own. */
export interface SlackCall {
  readonly method: string;
  readonly outcome: 'ok' | 'limited' | 'failed' | 'refused';
  /** Slack's word for it where it refused, such as `is_archived`. */
  readonly refusal?: string;
  /** The channel, or the person, it was for. */
  readonly channel?: string;
}

/** Counts nothing: for the terminal and for tests that count themselves. */
export const noMeter: Meter = {
  check: () => undefined,
  webhook: () => undefined,
  alert: () => undefined,
  slackCall: () => undefined,
  escalation: () => undefined,
  request: () => undefined,
  incidents: () => undefined,
};

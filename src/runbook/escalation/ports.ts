import type { Diagnosis } from '../diagnose/diagnosis.ts';

/** What dbconn counts of its own work, for people who watch it. Nothing here throws or waits. */
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

/** A service that wakes people, such as PagerDuty. */
export interface Pager {
  /** `PagerDuty`, `the webhook at alerts.example.com`: for sentences. */
  readonly name: string;
  /** Throws PagerRefused when it was not taken, after the retries its protocol allows. Bounded by two minutes. */
  page(page: Page): Promise<void>;
  /** Tells of a change that pages nobody. Does nothing where the service knows no such thing. Throws as `page`. */
  tellChange(change: PagedChange): Promise<void>;
  /** Names of those whose address gives no answer. Sends no key and pages nobody. Never throws. Bounded by 2 s. */
  findSilent?(): Promise<readonly string[]>;
}

export interface Page {
  readonly action: 'trigger' | 'acknowledge' | 'resolve';
  /** One for each incident, so that however often it is told it is one page; at most 255 characters. */
  readonly key: string;
  readonly target: string;
  readonly severity: 'critical' | 'warning' | 'info';
  /** Figures and configured names only; at most 1,024 characters. */
  readonly summary: string;
  /** UTC ISO text. */
  readonly at: string;
  /** Why, in sentences, by the name of each reason; figures and configured names only. */
  readonly details: Readonly<Record<string, string>>;
  readonly links: readonly { readonly title: string; readonly url: string }[];
}

export interface PagedChange {
  readonly target: string;
  readonly summary: string;
  /** UTC ISO text. */
  readonly at: string;
}

/** `message` says what the service answered and what to do; it holds no key. */
export class PagerRefused extends Error {
  /** False where trying again later cannot help, such as with a wrong key. */
  readonly mayPass: boolean;

  constructor(message: string, mayPass: boolean) {
    super(message);
    this.name = 'PagerRefused';
    this.mayPass = mayPass;
  }
}

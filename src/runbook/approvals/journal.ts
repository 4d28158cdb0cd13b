import type { Action } from '../remedies/remedy-request.ts';
import type { StepEntry } from '../remedies/remedy.ts';
import type { ApprovalRequest } from './request.ts';

/** The journal could not write or read. Its message is for the operator: what happened and how to mend it. */
export class JournalUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JournalUnavailable';
  }
}

/** The journal is no longer where it was opened: what is written there now, nobody would find again. */
export class JournalMoved extends JournalUnavailable {
  constructor(what: string) {
    super(`${what} Put it back, or restart dbconn with another journal.`);
    this.name = 'JournalMoved';
  }
}

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

/** Another process took this request over: a process that meets this must not touch its targets any more. */
export class LeaseLost extends JournalUnavailable {
  constructor(request: string) {
    super(`Request ${request} was taken over by another dbconn. This one stopped working on it.`);
    this.name = 'LeaseLost';
  }
}

/** A request that Slack signed. */
export interface SignedRequest {
  /** A hash over all that was signed: time stamp and body. */
  readonly hash: string;
  /** When it was signed, by Slack's clock: seconds since the epoch. */
  readonly signedAt: number;
}

/** Two requests that one clock takes for fresh, five minutes before or after it, are never further apart. */
export const signedRequestKeptSeconds = 600;

/** What was heard already, by any process that shares the journal. */
export interface SignedRequestLog {
  /**
   * Remembers a request. False where it was heard before, or was signed so long before the newest one that it would be
   * forgotten already. By Slack's clock alone, so that a clock of ours that is set forgets nothing. Throws
   * JournalUnavailable.
   */
  recordSigned(request: SignedRequest): Promise<boolean>;
}

/**
 * The record of every request, vote, step and result, kept outside the database it is about. Nothing runs unrecorded:
 * every method throws when it cannot write (a full disk, a locked or damaged file).
 */
export interface Journal {
  create(request: ApprovalRequest, entry: JournalDraft): Promise<void>;
  /** Throws JournalTampered where it is not what its entries say: its votes, the votes it needs, its plan, its state. */
  read(id: string): Promise<ApprovalRequest | undefined>;
  /** In the order they were proposed. */
  list(states: readonly ApprovalRequest['state'][]): Promise<readonly ApprovalRequest[]>;
  /**
   * Replaces the request stored with version `from` by `to`, together with its entry, or does nothing:
   * `changed` when somebody was quicker, `busy` when another request is executing on the same target. Throws
   * JournalTampered where the stored one is not what its entries say: no entry ever vouches for that.
   */
  move(
    from: number,
    to: ApprovalRequest,
    entry: JournalDraft,
  ): Promise<'moved' | 'changed' | 'busy'>;
  record(entry: JournalDraft): Promise<void>;
  /** Takes the lease on an approved or running request that nobody holds any more, oneself included. False while somebody does. */
  acquire(request: string, holder: Holder): Promise<boolean>;
  /** Prolongs all leases of this holder that nobody else took meanwhile. */
  renew(holder: Holder): Promise<void>;
  /** Gives a lease back, so that another process may take it at once. */
  release(request: string, holder: Holder): Promise<void>;
  /** The requests for this option on this target whose run ended at or after that moment (UTC ISO text). */
  readRunsSince(run: {
    readonly target: string;
    readonly option: Action;
    readonly since: string;
  }): Promise<readonly ApprovalRequest[]>;
  /** The steps of a request's run, in the order they were written. */
  readSteps(request: string): Promise<readonly StepEntry[]>;
  /**
   * Milliseconds since the request's first entry of one of these kinds, by the journal's own clock and never less than 0;
   * undefined where it has none.
   */
  readAgeMs(request: string, kinds: readonly string[]): Promise<number | undefined>;
  /** The emergency stop, the same for every process that shares this journal. */
  readStop(): Promise<Stop | undefined>;
  writeStop(stop: Stop | undefined, entry: JournalDraft): Promise<void>;
  /** What is stored and was not written through the journal's entries; of requests, the newest and the open ones. */
  findUntrue(): Promise<readonly Untrue[]>;
}

/** Something in the record that dbconn did not write. */
export interface Untrue {
  /** Null where it concerns every target. */
  readonly target: string | null;
  /** A sentence of ids and our own words. */
  readonly problem: string;
}

export interface Stop {
  readonly by: string;
  readonly at: string;
  readonly reason: string;
  /** How it is lifted, where an approver's word is not enough: a sentence. */
  readonly lift?: string;
}

/** What the journal adds: its number, the time, and the hash that chains it to the entry before. */
export interface JournalDraft {
  /** Absent for what belongs to no request, such as an emergency stop. */
  readonly request?: string;
  /** The incident it belongs to, which no entry of a request names: those belong to their target's by time. */
  readonly incident?: string;
  readonly kind: string;
  /** Redacted: no secret, no literal of other people's SQL. */
  readonly body: Readonly<Record<string, unknown>>;
  /**
   * Written only while the lease on the request is this holder's, which it prolongs; else LeaseLost is thrown. A move to
   * `approved` takes the lease; a move to an end gives it back.
   */
  readonly holder?: Holder;
}

/** One process among those that share a journal. Only the holder of the lease on a request executes it. */
export interface Holder {
  /** Random, another one for each process. */
  readonly id: string;
  /** How long a lease stands from its last renewal: by the machine's uptime in a file, else by the server's clock. */
  readonly forMs: number;
}

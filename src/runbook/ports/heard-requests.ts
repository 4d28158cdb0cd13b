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

/**
 * The lease of the request that runs. A process may be frozen at any moment and go on after another one has taken the
 * request over; so what is sent asks for the lease last, and carries a deadline by the other side's clock.
 */
export interface Lease {
  /** Milliseconds during which no other process may take the request over, since the intent was written. */
  leftMs(): number;
  /** Throws where less is left: then nothing may be sent any more. */
  mustLast(forMs: number): void;
}

/**
 * By the server's clock, from when it was asked for the time: a statement that would signal later than this signals
 * nobody. Less than a statement's answer is waited for, so that nothing happens any more once it is given up.
 */
export const signalWithinMs = 4000;

import { z } from 'zod';
import { SkipReason } from '../../diagnose/protected-sessions.ts';
import type { TerminateGuard } from '../../diagnose/protected-sessions.ts';
import type { Lease, Privileged } from '../remedy.ts';
import { SessionTarget } from '../plan.ts';
import type { SessionIdentity } from '../plan.ts';

/** What dbconn may change in one target's PostgreSQL. */
export type PrivilegedConnection = Privileged<PrivilegedSession>;

export interface PrivilegedSession {
  readTerminateCandidates(query: CandidateQuery): Promise<Candidates>;
  /**
   * Signals those sessions that still are exactly what they were, in one statement that checks and signals, and nobody
   * after `signalWithinMs`. Returns one outcome for each. A lost connection throws: the signals sent until then stay sent.
   */
  terminateSessions(
    sessions: readonly SessionIdentity[],
    under: { readonly guard: TerminateGuard; readonly lease: Lease },
  ): Promise<readonly SignalOutcome[]>;
  /** The pids of those sessions that are still there, told by pid and start. */
  readRemainingSessions(sessions: readonly SessionIdentity[]): Promise<readonly number[]>;
}

export interface CandidateQuery {
  readonly states: readonly SessionIdentity['state'][];
  readonly idleForMs: number;
  /** All applications when null. */
  readonly application: string | null;
  readonly guard: TerminateGuard;
}

export const Candidate = SessionTarget.omit({ kind: true }).extend({
  skipped: SkipReason.nullable(),
});
export type Candidate = Readonly<z.infer<typeof Candidate>>;

export const Candidates = z.object({
  role: z.string(),
  /** Sessions whose state the privileged role may not see. */
  hidden: z.number().int(),
  /** Client connections of the last minute that are still there: how fast slots fill again. */
  newIn60s: z.number().int(),
  total: z.number().int(),
  /** The longest idle first, at most 1,000. */
  sessions: z.array(Candidate).readonly(),
});
export type Candidates = Readonly<z.infer<typeof Candidates>>;

/** `signalled` is no proof of an end: a look after it is. */
export const SignalOutcome = z.object({
  pid: z.number().int(),
  outcome: z.union([z.enum(['signalled', 'already gone', 'moved on', 'too late']), SkipReason]),
});
export type SignalOutcome = Readonly<z.infer<typeof SignalOutcome>>;

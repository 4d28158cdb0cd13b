import { z } from 'zod';
import { SkipReason } from '../../diagnose/protected-sessions.ts';
import type { Process, SkipGuard } from '../../diagnose/protected-sessions.ts';
import type { LockReading } from '../../snapshot/snapshot.ts';
import type { Lease, Privileged } from '../remedy.ts';
import type { BlockerIdentity, BlockerTarget, WaiterIdentity } from '../plan.ts';

/** Reads who holds up whom in one target's PostgreSQL, and signals single sessions. */
export type Blockers = Privileged<BlockerSession>;

export interface BlockerSession {
  /** Who waits for whom at this moment. Where the server does not tell since when, the statement's start counts. */
  readWaits(): Promise<LockReading>;
  /** Who those of the pids are that are there; not those hidden from the acting role. */
  readWaiters(pids: readonly number[]): Promise<readonly WaiterIdentity[]>;
  /** Those of the pids that are there, each with the reason why it must be skipped, if any. */
  readBlockers(pids: readonly number[], guard: SkipGuard): Promise<readonly Blocker[]>;
  /** Clients whose statement has run for so long, longest first; not those that wait for a lock, commit, or do maintenance. */
  readSlow(slow: SlowQuery, guard: SkipGuard): Promise<readonly Blocker[]>;
  /** Checks that it still is who it was, and signals it in the same statement, within `signalWithinMs`. A signal sent is no end. */
  signalBlocker(
    signal: BlockerSignal,
    under: { readonly guard: SkipGuard; readonly lease: Lease },
  ): Promise<BlockerOutcome>;
}

export interface SlowQuery {
  readonly runningForMs: number;
  readonly atMost: number;
}

export interface Blocker extends Omit<
  BlockerTarget,
  'kind' | 'how' | 'queued' | 'victims' | 'waiters'
> {
  /** `slow client`: at a statement that waits for its client; `concurrent build`: of an index. */
  readonly process: Process;
  readonly skipped: SkipReason | null;
}

export interface BlockerSignal {
  readonly how: 'cancel' | 'terminate';
  readonly identity: BlockerIdentity;
  /** How much of the identity must still hold: who it is; its transaction too; or its very statement and rest as well. */
  readonly same: 'session' | 'transaction' | 'statement';
  /** It must still wait for a lock itself. */
  readonly queued: boolean;
  /** It is skipped unless one of these still waits for it directly. Null: whether or not anybody waits. */
  readonly waiters: readonly WaiterIdentity[] | null;
}

/** `released`: none of the waiters waits for it any more, and it was not signalled; nor was it when `too late`. */
export const BlockerOutcome = z.union([
  z.enum(['signalled', 'already gone', 'moved on', 'released', 'too late']),
  SkipReason,
]);
export type BlockerOutcome = z.infer<typeof BlockerOutcome>;

import type { LockReading } from '../diagnose/snapshot.ts';
import type { SpareReason, TerminateGuard } from '../ports.ts';
import type { BlockerIdentity, BlockerTarget } from '../remedies/targets/blocker.ts';

/** Sees who holds up whom in one target's PostgreSQL, and signals single sessions. */
export interface Blockers {
  /** Over a connection opened for it and closed after. Throws ActingUnavailable when none can be had or it is lost. */
  act<T>(work: (session: BlockerSession) => Promise<T>): Promise<T>;
}

export interface BlockerSession {
  /** Who waits for whom at this moment. Where the server does not tell since when, the statement's start counts. */
  readWaits(): Promise<LockReading>;
  /** Those of the pids that are there, each with the reason why it must be spared, if any. */
  readBlockers(pids: readonly number[], guard: SpareGuard): Promise<readonly Blocker[]>;
  /** Clients whose statement has run for so long and waits for no lock, longest first. */
  readSlow(slow: SlowQuery, guard: SpareGuard): Promise<readonly Blocker[]>;
  /** Checks that it still is who it was, and signals it in the same statement. A signal sent is no end. */
  signalBlocker(signal: BlockerSignal, guard: SpareGuard): Promise<BlockerOutcome>;
}

export interface SlowQuery {
  readonly runningForMs: number;
  readonly atMost: number;
}

/** What is never signalled, whatever the plan says. */
export type SpareGuard = Omit<TerminateGuard, 'idleForMs'>;

export interface Blocker extends Omit<BlockerTarget, 'kind' | 'how' | 'queued' | 'victims'> {
  readonly process: 'client' | 'autovacuum' | 'wraparound vacuum' | 'other';
  readonly spared: SpareReason | null;
}

export interface BlockerSignal {
  readonly how: 'cancel' | 'terminate';
  readonly identity: BlockerIdentity;
  /** How much of the identity must still hold: who it is; its transaction too; or its very statement and rest as well. */
  readonly same: 'session' | 'transaction' | 'statement';
  /** It must still wait for a lock itself. */
  readonly queued: boolean;
  /** It is spared unless one of these pids still waits for it. Empty: whether or not anybody waits. */
  readonly witnesses: readonly number[];
}

/** `released`: nobody of the witnesses waits for it any more, and it was not signalled. */
export type BlockerOutcome = 'signalled' | 'already gone' | 'moved on' | 'released' | SpareReason;

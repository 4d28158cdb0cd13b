import type { Lease } from '../remedies/lease.ts';
import type { LockReading } from '../snapshot/snapshot.ts';
import type { PreparedTarget } from '../remedies/targets/prepared.ts';

/** The prepared transactions of one target's PostgreSQL: they have no session, and outlive a restart. */
export interface PreparedTransactions {
  /** Null when there is none of that gid. Throws PrivilegedUnavailable when nobody can be asked. */
  readPrepared(gid: string): Promise<PreparedReading | null>;
  /**
   * Rolls it back in its own database, over a connection opened for that, if it still is the one that was read.
   * Throws PrivilegedUnavailable when that database cannot be had, or the connection is lost.
   */
  rollBackPrepared(target: PreparedTarget, lease: Lease): Promise<RollbackOutcome>;
}

export interface PreparedReading extends Omit<PreparedTarget, 'kind' | 'victims'> {
  /** The acting role. */
  readonly role: string;
  /** It is the owner itself or a superuser; being a member of the owner is not enough for PostgreSQL. */
  readonly mayRollBack: boolean;
  /** The acting role may connect to its database, where alone it can be ended. */
  readonly mayConnect: boolean;
  readonly waits: LockReading;
}

/** `busy`: another session is ending it at this moment. */
export type RollbackOutcome = 'rolled back' | 'already gone' | 'moved on' | 'no privilege' | 'busy';

import { analyseLocks } from '../../diagnose/locks.ts';
import type { LockReading } from '../../snapshot/snapshot.ts';
import { count, durationOfMs } from '../../snapshot/words.ts';
import type { Lease } from '../remedy.ts';
import type { PlanDraft, PreparedTarget } from '../plan.ts';

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

/** The plan to roll one back, with what that may break. */
export function draftRollback(target: string, reading: PreparedReading): PlanDraft {
  const { role: _role, mayRollBack: _may, mayConnect: _can, waits, ...facts } = reading;
  const victims = victimsOf(waits, facts.gid);
  const prepared: PreparedTarget = { kind: 'prepared', ...facts, victims };
  const waiting = victims === 1 ? '1 session waits' : `${victims} sessions wait`;
  return {
    option: 'prepared',
    target,
    ask: { kind: 'rollback-prepared', gid: facts.gid },
    title: `Roll back a prepared transaction that ${waiting} for`,
    subject: facts.gid,
    targets: [prepared],
    skipped: [],
    skippedTotal: 0,
    cost: [
      'Its transaction manager may have committed it elsewhere: ask it first. A rollback then leaves the databases inconsistent for good.',
      `All it wrote is lost. It was prepared ${durationOfMs(facts.ageSeconds * 1000)} ago and holds ${count(facts.locksHeld, 'lock')}.`,
    ],
    frees: {
      slots: 0,
      sentence: `${count(victims, 'session')} can continue. It holds no connection itself.`,
    },
    undo: 'Not possible.',
    undoAsk: null,
    steps: [
      'Check gid, owner and time again in its database, and roll it back',
      'Check whether the waiting sessions continue',
    ],
    risk: 'high',
  };
}

export function victimsOf(waits: LockReading, gid: string): number {
  const { roots } = analyseLocks(waits).blocking;
  return roots.find((root) => 'prepared' in root && root.prepared === gid)?.victims ?? 0;
}

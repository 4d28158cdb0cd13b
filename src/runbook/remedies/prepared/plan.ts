import { analyseLocks } from '../../diagnose/locks.ts';
import type { LockReading } from '../../snapshot/snapshot.ts';
import type { PreparedReading } from '../../ports/prepared.ts';
import type { PlanDraft } from '../plan.ts';
import type { PreparedTarget } from '../targets/prepared.ts';
import { count, durationOfMs } from '../../snapshot/wording.ts';

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
    spared: [],
    sparedTotal: 0,
    cost: [
      'Data integrity: a transaction manager may have decided to commit it, and the other databases of that transaction may have committed. Ask it first; rolling back then leaves them apart for good.',
      `All it wrote is lost. It was prepared ${durationOfMs(facts.ageSeconds * 1000)} ago and holds ${count(facts.locksHeld, 'lock')}.`,
    ],
    frees: {
      slots: 0,
      sentence: `${count(victims, 'session')} can go on; it holds no slot itself.`,
    },
    undo: 'A rolled back transaction cannot be brought back.',
    undoAsk: null,
    steps: [
      'In its own database check gid, owner and times once more, and roll it back',
      'Look whether those who waited go on',
    ],
    risk: 'high',
  };
}

export function victimsOf(waits: LockReading, gid: string): number {
  const { roots } = analyseLocks(waits).blocking;
  return roots.find((root) => 'prepared' in root && root.prepared === gid)?.victims ?? 0;
}

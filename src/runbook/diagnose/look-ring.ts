import type { Diagnosis } from './diagnosis.ts';
import { workOf } from './dragging.ts';

/** Used and usable slots of one look, and what ran then. */
export interface RecentCheck {
  readonly at: string;
  readonly used: number;
  readonly usable: number;
  /** As pg_stat_database had counted by then. */
  readonly deadlocks?: number;
  /** Active sessions that waited for no lock, and how long their queries had run: what is usual here. */
  readonly active?: number;
  readonly querySeconds?: number | null;
  /** Connections of the minute before that were still there. */
  readonly newIn60s?: number;
}

const minuteMs = 60_000;
const oldestMs = 60 * minuteMs;
/** The time that a forecast draws its line through; dbconn's own watch looks sixty times in it. */
const fineMs = 15 * minuteMs;
/** A shorter pause between looks, or a person's burst of them, grows nothing but the minutes before. */
const mostFine = 60;

type CheckedDiagnosis = Pick<Diagnosis, 'takenAt' | 'capacity'> &
  Partial<Pick<Diagnosis, 'sessions' | 'blocking' | 'deadlocks'>>;

/** The looks of one target's last hour, oldest first: every one of the last minutes, one a minute before; at most 121. */
export class RecentChecks {
  #looks: readonly RecentCheck[] = [];

  /** A look that did not see the capacity adds nothing. */
  add(check: CheckedDiagnosis, newIn60s?: number): void {
    const { takenAt, capacity, deadlocks = null } = check;
    if (capacity === null) return;
    const now = Date.parse(takenAt);
    const checks = this.#looks.filter(({ at }) => now - Date.parse(at) <= oldestMs);
    const young = checks.filter(({ at }) => now - Date.parse(at) <= fineMs);
    const fine = young.slice(1 - mostFine);
    this.#looks = [
      ...oneAMinute(checks.slice(0, checks.length - fine.length)),
      ...fine,
      {
        at: takenAt,
        used: capacity.used,
        usable: capacity.usable,
        ...(deadlocks !== null && { deadlocks }),
        ...(check.sessions !== undefined && workOf(check)),
        ...(newIn60s !== undefined && { newIn60s }),
      },
    ];
  }

  entries(): readonly RecentCheck[] {
    return this.#looks;
  }
}

/** The first of each minute: the same ones however often this is asked. */
function oneAMinute(checks: readonly RecentCheck[]): readonly RecentCheck[] {
  const minuteOf = ({ at }: RecentCheck): number => Math.floor(Date.parse(at) / minuteMs);
  return checks.filter((check, index) => {
    const before = checks[index - 1];
    return before === undefined || minuteOf(before) !== minuteOf(check);
  });
}

import type { ApprovalRequest } from '../../approval/request.ts';
import type { Limits } from '../../snapshot/target.ts';
import type { KeptCheck, KeptSession } from '../read-examinations.ts';

/** How long transactions rested between two statements, as far as the kept looks tell. */
export interface IdleSpans {
  /** The longest that went on by itself; null where none was seen to. */
  readonly longestHarmlessMs: number | null;
  /** How long each forgotten one had rested by then, longest first. */
  readonly forgottenMs: readonly number[];
}

interface Observed {
  readonly session: KeptSession;
  readonly index: number;
}

/** A pool at work leaves a transaction alone for less, even where thresholds are set to seconds. */
const leastLingeringMs = 1000;

/**
 * Tells forgotten transactions from those at work: one that a later look found further on was at work, one that
 * lingered or that somebody ended for it was not.
 * @param byMs the moment (milliseconds since the epoch) until which rests count, such as when slots ran short
 */
export function readIdleSpans(
  checks: readonly KeptCheck[],
  requests: readonly ApprovalRequest[],
  { limits, byMs }: { readonly limits: Limits; readonly byMs: number },
): IdleSpans {
  const lingeringMs = Math.max(leastLingeringMs, limits.idleInTransactionWarningMs / 10);
  const observed = checks.flatMap(({ snapshot }, index) =>
    (snapshot.database.reading?.sessions ?? [])
      .filter(({ own }) => !own)
      .map((session): Observed => ({ session, index })),
  );
  const bySession = Map.groupBy(observed, ({ session }) => idOf(session));
  const forgotten = endedIdle(requests);
  const harmless: number[] = [];
  for (const [id, observations] of bySession) {
    for (const { session, index } of observations) {
      if (!isIdleInTransaction(session.state) || session.stateAgeSeconds === null) continue;
      const goesOn = observations.some(
        (later) => later.index > index && later.session.stateChangedAt !== session.stateChangedAt,
      );
      const ageMs = session.stateAgeSeconds * 1000;
      if (goesOn && ageMs < limits.idleInTransactionWarningMs) harmless.push(ageMs);
      else if (ageMs >= lingeringMs && session.stateChangedAt !== null) {
        forgotten.set(id, session.stateChangedAt);
      }
    }
  }
  return {
    longestHarmlessMs: harmless.length === 0 ? null : Math.max(...harmless),
    forgottenMs: [...forgotten.values()]
      .map((since) => byMs - Date.parse(since))
      .filter((ageMs) => ageMs > 0)
      .toSorted((a, b) => b - a),
  };
}

/** Since when each session rested that option A really ended in a transaction. */
function endedIdle(requests: readonly ApprovalRequest[]): Map<string, string> {
  const ended = requests.filter(({ option, result }) => option === 'A' && result !== null);
  const sessions = ended.flatMap(({ plan, result }) => {
    const gone = new Set(
      result?.report.items.filter(({ outcome }) => outcome === 'ended').map(({ what }) => what),
    );
    return plan.targets.flatMap((target) =>
      target.kind === 'session' && gone.has(`pid ${target.identity.pid}`) ? [target.identity] : [],
    );
  });
  return new Map(
    sessions
      .filter(({ state }) => isIdleInTransaction(state))
      .map((identity) => [idOf(identity), identity.stateChangedAt] as const),
  );
}

function idOf({ pid, startedAt }: { readonly pid: number; readonly startedAt: string }): string {
  return `${pid} ${startedAt}`;
}

function isIdleInTransaction(state: string): boolean {
  return state.startsWith('idle in transaction');
}

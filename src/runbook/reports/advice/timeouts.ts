import { toDurationText } from '../../../timing.ts';
import type { ApprovalRequest } from '../../approvals/request.ts';
import { toCommand } from '../../diagnose/proposals/proposal.ts';
import { isNamedAs } from '../../diagnose/protected-sessions.ts';
import { toTimeoutText } from '../../remedies/prevention/plan.ts';
import type { Limits } from '../../snapshot/target.ts';
import { count, durationOfSeconds } from '../../snapshot/words.ts';
import type { Advice } from '../report.ts';
import { mayAct } from './advice-input.ts';
import type { AdviceInput, KeptCheck, KeptSession } from './advice-input.ts';

/** How long transactions rested between two statements, as far as the kept checks tell. */
interface IdleSpans {
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
 * Tells forgotten transactions from those at work: one that a later check found further on was at work, one that
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

/** The runbook's recommendations. */
export const recommendedTransactionTimeoutMs = 10 * 60_000;
export const recommendedSessionTimeoutMs = 30 * 60_000;

/** Candidates, longest first: what people would set. None is longer than the runbook's. */
const ladderMs = [600_000, 300_000, 120_000, 60_000, 30_000, 10_000];
/** A session that rested so long and went on may rest twice as long on a worse day. */
const leeway = 2;
const minuteMs = 60_000;

/** What holds for everybody; `unseen` where dbconn's own role has a value of its own. */
export function readTimeout(
  { settings }: Pick<AdviceInput, 'settings'>,
  name: string,
): number | 'unseen' | null {
  const found = settings.find((one) => one.name === name);
  if (found === undefined) return null;
  const isOwn = /^(?:database|user|database user|client|session)$/.test(found.source);
  const ms = Number(found.value);
  return isOwn || !Number.isFinite(ms) ? 'unseen' : ms;
}

export function timeoutText(ms: number | 'unseen' | null): string | null {
  if (typeof ms !== 'number') return null;
  return ms === 0 ? 'off' : toTimeoutText(ms);
}

/**
 * The idle_in_transaction_session_timeout that would have ended enough forgotten transactions before slots ran short,
 * and none of those that were at work.
 * @param needed how many slots fewer would have kept the server below its warning line
 */
export function adviseTransactionTimeout(
  input: AdviceInput,
  idleSpans: IdleSpans,
  needed: number,
): Advice[] {
  const { forgottenMs, longestHarmlessMs } = idleSpans;
  if (forgottenMs.length === 0) return [];
  const now = readTimeout(input, 'idle_in_transaction_session_timeout');
  const chosen = chooseTimeout(idleSpans, needed);
  // Never one that would have ended what was seen at work, not even the runbook's.
  const better = chosen ?? Math.max(recommendedTransactionTimeoutMs, leastTimeout(idleSpans));
  if (typeof now === 'number' && now > 0 && now <= better) return [];
  const longest = durationOfSeconds((forgottenMs[0] ?? 0) / 1000);
  const begin = `${count(forgottenMs.length, 'forgotten transaction')} had been idle for up to ${longest} when slots ran short`;
  const harmless =
    longestHarmlessMs === null
      ? 'None continued by itself'
      : `The longest that continued by itself was idle for ${durationOfSeconds(longestHarmlessMs / 1000)}`;
  const effect =
    chosen === undefined
      ? `${whyNone(idleSpans, needed)}. Fix the code first`
      : `${countOver(forgottenMs, chosen)} of them would have ended earlier`;
  return [
    {
      setting: 'idle_in_transaction_session_timeout',
      now: timeoutText(now),
      better: toTimeoutText(better),
      because: `${begin}. ${harmless}. ${effect}.`,
      ...(mayAct(input) && {
        command: `propose prevention idle-in-transaction ${toDurationText(better)}`,
      }),
    },
  ];
}

/** The longest that would have sufficed: the shorter it is, the likelier it hits somebody at work. */
function chooseTimeout(idleSpans: IdleSpans, needed: number): number | undefined {
  const least = leastTimeout(idleSpans);
  return ladderMs.find((ms) => ms >= least && wouldDo(idleSpans, needed, ms));
}

/** Whether so long a time-out would have ended enough of them in time. */
function wouldDo({ forgottenMs }: IdleSpans, needed: number, ms: number): boolean {
  const enough = Math.max(1, Math.min(needed, Math.ceil(forgottenMs.length / 2)));
  return countOver(forgottenMs, ms) >= enough;
}

function whyNone(idleSpans: IdleSpans, needed: number): string {
  return ladderMs.some((ms) => wouldDo(idleSpans, needed, ms))
    ? 'No time-out separates enough of them from active ones'
    : 'Slots ran short before any time-out could have ended enough of them';
}

/** What leaves alone the sessions that went on by themselves, in whole minutes from one on: nobody sets odd seconds. */
function leastTimeout({ longestHarmlessMs }: IdleSpans): number {
  const ms = (longestHarmlessMs ?? 0) * leeway;
  return ms <= minuteMs ? ms : Math.ceil(ms / minuteMs) * minuteMs;
}

function countOver(agesMs: readonly number[], ms: number): number {
  return agesMs.filter((age) => age >= ms).length;
}

/**
 * idle_session_timeout for the role, of no configured service, that leaves most sessions idle. Never for an
 * application's role or a pooler's: their pools keep sessions idle on purpose.
 */
export function adviseSessionTimeout(input: AdviceInput): Advice[] {
  const { sources, sessions, target, version } = input;
  if (version !== null && version < 140_000) return [];
  const isKept = (application: string): boolean =>
    isNamedAs(application, ['pgbouncer', ...target.protectedApplications]);
  const ofServices = new Set(
    sources
      .filter(
        ({ service, kind, application }) =>
          service !== null || kind === 'own' || isKept(application),
      )
      .map(({ user }) => user),
  );
  const idleSessions = sessions.filter(
    ({ state, stateAgeSeconds, user, application, superuser }) =>
      state === 'idle' &&
      user !== null &&
      !superuser &&
      !ofServices.has(user) &&
      !isKept(application) &&
      (stateAgeSeconds ?? 0) * 1000 >= target.limits.terminateIdleMs,
  );
  const [most] = [...Map.groupBy(idleSessions, ({ user }) => user ?? '')].toSorted(
    (a, b) => b[1].length - a[1].length,
  );
  if (most === undefined) return [];
  const [role, group] = most;
  const ms = recommendedSessionTimeoutMs;
  const command = toCommand('prevention', 'idle-session', 'for', role, toDurationText(ms));
  const over = durationOfSeconds(target.limits.terminateIdleMs / 1000);
  return [
    {
      setting: 'idle_session_timeout of one role',
      now: null,
      better: toTimeoutText(ms),
      because: `${count(group.length, 'session')} of a role without a configured service ${group.length === 1 ? 'has' : 'have'} been idle for over ${over}.`,
      ...(mayAct(input) && command !== undefined && { command }),
    },
  ];
}

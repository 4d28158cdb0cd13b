import { isNamedAs } from '../../remedies/protected-names.ts';
import { toCommand } from '../../diagnose/proposals/to-command.ts';
import { count, durationOfSeconds } from '../../snapshot/words.ts';
import { toTimeoutText } from '../../remedies/prevention/value.ts';
import { toDurationText } from '../../remedies/to-typed.ts';
import type { Advice } from '../report.ts';
import { mayAct } from './ground.ts';
import type { AdviceInput } from './ground.ts';
import type { IdleSpans } from './rests.ts';

/** The runbook's recommendations. */
export const recommendedTransactionTimeoutMs = 10 * 60_000;
export const recommendedSessionTimeoutMs = 30 * 60_000;

/** Candidates, longest first: what people would set. None is longer than the runbook's. */
const ladderMs = [600_000, 300_000, 120_000, 60_000, 30_000, 10_000];
/** Whoever rested so long and went on may rest twice as long on a worse day. */
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
  const begin = `${count(forgottenMs.length, 'forgotten transaction')} had rested for up to ${longest} when slots ran short`;
  const harmless =
    longestHarmlessMs === null
      ? 'none was seen to go on by itself'
      : `the longest that went on by itself rested ${durationOfSeconds(longestHarmlessMs / 1000)}`;
  const effect =
    chosen === undefined
      ? `${whyNone(idleSpans, needed)}: mend the code first`
      : `${countOver(forgottenMs, chosen)} of them would have been ended before`;
  return [
    {
      setting: 'idle_in_transaction_session_timeout',
      now: timeoutText(now),
      better: toTimeoutText(better),
      because: `${begin}; ${harmless}; ${effect}.`,
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
    ? 'no time-out tells enough of them from those at work'
    : 'slots ran short before any time-out could have ended enough of them';
}

/** What leaves alone whoever went on by themselves, in whole minutes from one on: nobody sets odd seconds. */
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
      because: `${count(group.length, 'session')} of a role that belongs to no configured service ${group.length === 1 ? 'is' : 'are'} idle for over ${over}.`,
      ...(mayAct(input) && command !== undefined && { command }),
    },
  ];
}

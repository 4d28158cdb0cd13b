import { cleanUntrusted } from '../../snapshot/redaction/redact-text.ts';
import { count } from '../../snapshot/words.ts';
import type { PlanDraft, SettingTarget, Skipped } from '../plan.ts';
import type { TimeoutOverride, TimeoutReading } from './ports.ts';
import type { TimeoutRequest } from './preflight.ts';

const units: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** Milliseconds as PostgreSQL's SHOW writes them: in the largest unit that keeps them whole, `10min`, `1500ms`, `0`. */
export function toTimeoutText(ms: number): string {
  if (ms === 0) return '0';
  const [name, size] = units.find(([, size]) => ms % size === 0) ?? ['ms', 1];
  return `${ms / size}${name}`;
}

/** The same, where nothing may be set. */
function toTimeoutTextOrNull(ms: number | null): string | null {
  return ms === null ? null : toTimeoutText(ms);
}

/** The way back, for a text of ours. */
export function readTimeoutText(text: string | null): number | null {
  if (text === null) return null;
  const size = units.find(([name]) => text === `${Number.parseInt(text, 10)}${name}`)?.[1] ?? 1;
  return Number.parseInt(text, 10) * size;
}

/** The setting as it stands: what a plan is made from, and held against when it runs. */
export function toSettingTarget(
  { setting, role, ms }: TimeoutRequest,
  now: TimeoutReading,
): SettingTarget {
  return {
    kind: 'setting',
    name: setting,
    role,
    from: toTimeoutTextOrNull(now.setMs),
    to: toTimeoutTextOrNull(ms),
    inForce: now.inForceMs === null ? 'not known' : toTimeoutText(now.inForceMs),
    source: now.source,
  };
}

/** The plan of a time-out, with whom it will end and whom it does not reach. */
export function draftPrevention(
  target: string,
  ask: TimeoutRequest,
  now: TimeoutReading,
): PlanDraft {
  const { setting, role, ms } = ask;
  const where = role === null ? 'the whole cluster' : 'one role';
  const undo = undoOf(ask, now);
  return {
    option: 'prevention',
    target,
    ask,
    title:
      ms === null
        ? `Remove ${setting} for ${where}`
        : `Set ${setting} to ${toTimeoutText(ms)} for ${where}`,
    subject: role,
    targets: [toSettingTarget(ask, now)],
    skipped: now.overrides.map(toSkipped),
    skippedTotal: now.overridesTotal,
    cost: costOf(ask, now),
    frees: { slots: null, sentence: reachOf(ask, now) },
    ...undo,
    steps: stepsOf(ask),
    risk: riskOf(ask, now),
  };
}

function stepsOf({ setting, role, ms }: TimeoutRequest): string[] {
  const value = ms === null ? `RESET ${setting}` : `SET ${setting} = ${toTimeoutText(ms)}`;
  return role === null
    ? [`Run ALTER SYSTEM ${value}`, 'Reload the configuration and check the value']
    : [`Run ALTER ROLE … ${value} and check it`];
}

/** A session that rests already runs on the timer it went to rest with; only its next statement reads the new value. */
function reachOf({ role, ms }: TimeoutRequest, { sessions }: TimeoutReading): string {
  const whom =
    role === null
      ? 'Frees nothing now: it applies to each session from its next statement.'
      : `Frees nothing now: it applies to new logins. ${count(sessions.open, 'open session of this role keeps', 'open sessions of this role keep')} the old value.`;
  if (ms === null || ms === 0 || sessions.resting === 0) return whom;
  return `${whom} ${count(sessions.resting, 'session is', 'sessions are')} idle longer already: see /dbconn idle.`;
}

function costOf({ setting, role, ms }: TimeoutRequest, { sessions }: TimeoutReading): string[] {
  if (ms === null || ms === 0) return ['Forgotten sessions stay open.'];
  const limit = toTimeoutText(ms);
  if (setting === 'idle_in_transaction_session_timeout') {
    return [
      `A transaction idle for ${limit} is rolled back, and its application gets an error (25P03).`,
      ...(role === null
        ? ['This includes migrations, pg_dump and people in psql, unless listed as skipped.']
        : []),
    ];
  }
  return [
    `A session idle for ${limit} is ended (57P05). A pool without pre-ping then returns one error.`,
    'Never set it for a pooler or an application: they keep sessions idle on purpose.',
    ...(sessions.poolers > 0
      ? [
          `${count(sessions.poolers, 'open session of this role comes', 'open sessions of this role come')} from a pooler.`,
        ]
      : []),
  ];
}

function riskOf({ setting, role, ms }: TimeoutRequest, now: TimeoutReading): PlanDraft['risk'] {
  if (ms === null || ms === 0) return 'low';
  if (setting === 'idle_session_timeout') return now.sessions.poolers > 0 ? 'high' : 'medium';
  return role === null ? 'medium' : 'low';
}

/** What would be refused as a proposal is no undo: then the sentence says what to do by hand. */
function undoOf(
  ask: TimeoutRequest,
  { setMs }: TimeoutReading,
): Pick<PlanDraft, 'undo' | 'undoAsk'> {
  const { setting, role } = ask;
  const forAll = setting === 'idle_session_timeout' && role === null;
  if (forAll && setMs !== null && setMs > 0) {
    const undo = `By hand: ALTER SYSTEM SET ${setting} = '${toTimeoutText(setMs)}', then reload.`;
    return { undo, undoAsk: null };
  }
  const undo =
    setMs === null ? 'Remove the value again.' : `Set it back to ${toTimeoutText(setMs)}.`;
  return { undo, undoAsk: { ...ask, ms: setMs } };
}

function toSkipped({ role, database, value }: TimeoutOverride): Skipped {
  const place = [
    ...(role === null ? [] : [`role ${role}`]),
    ...(database === null ? [] : [`database ${database}`]),
  ].join(' in ');
  return {
    what: 'own value',
    label: cleanUntrusted(`${place}: ${value}`, 200),
    reason: 'its own value takes precedence',
  };
}

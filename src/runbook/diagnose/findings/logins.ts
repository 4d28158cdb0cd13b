import { cleanUntrusted } from '../../snapshot/redaction/redact-text.ts';
import { count, durationOfSeconds } from '../../snapshot/words.ts';
import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { median } from '../forecast.ts';
import type { RecentCheck } from '../recent-checks.ts';
import { pressureOf } from '../summarise.ts';

const mostExamples = 5;
/** Each login costs the server a process and a few milliseconds of a processor; below this nobody feels it. */
const leastPerSecond = 10;
/** Where logins are slow already, or hardly a session is kept, fewer are too many. */
const leastWhenSlow = 5;
const slowLoginMs = 1000;
/** Fewer may be the checks of a health probe, and dbconn's own. */
const leastLogins = 5;
/** By then it is felt. */
const heavyLoginMs = 500;

/** What logging in costs: how many do, and how long it takes. */
export function findInLogins(evidence: Evidence): Finding[] {
  if (evidence.reading === undefined) return [];
  return [...churn(evidence), ...slowLogin(evidence)];
}

/** Sessions that come and go all the time: the application keeps none of its connections. */
function churn({ reading, snapshot }: Evidence): Finding[] {
  const { turnover } = reading ?? {};
  if (turnover === undefined) return [];
  const { passed = 0, seconds } = turnover;
  const perSecond = passed / seconds;
  const isSlow = (snapshot.database.reach.loginMs ?? 0) >= heavyLoginMs;
  const { clients = 0, own = 0, newIn10s = 0 } = reading?.counts ?? {};
  // Most of those who are there have only just come, so nobody keeps a connection.
  const isYoung = (newIn10s - own) * 2 >= clients - own;
  const least = isSlow || isYoung ? leastWhenSlow : leastPerSecond;
  if (passed < leastLogins || perSecond < least) return [];
  const rate = Math.round(perSecond);
  const sources = (reading?.sources ?? [])
    // One that is still logging in has no name yet.
    .filter(
      ({ newIn60s, user, application }) =>
        newIn60s > 0 && user !== null && application !== 'dbconn',
    )
    .toSorted((a, b) => b.newIn60s - a.newIn60s);
  return [
    {
      id: 'connection-churn',
      severity: 'warning',
      summary: `About ${rate} sessions per second are opened and closed; each costs a process and a login.`,
      figure: { value: rate, unit: 'sessions per second' },
      evidence: [
        `${passed} sessions started and ended within ${Math.round(seconds * 10) / 10} s.`,
        ...sources
          .slice(0, mostExamples)
          .map(({ user, application, client, newIn60s, total }) =>
            cleanUntrusted(
              `${newIn60s} of ${total} sessions of ${user ?? ''} (${application}) from ${client ?? 'a socket'} are younger than a minute`,
              200,
            ),
          ),
      ],
      fix: 'Let the application reuse connections: a pool instead of NullPool, or PgBouncer in front. Ending sessions or raising max_connections does not stop the logins.',
    },
  ];
}

function slowLogin({ snapshot }: Evidence): Finding[] {
  const { loginMs = 0 } = snapshot.database.reach;
  if (loginMs < slowLoginMs) return [];
  const seconds = Math.round(loginMs / 100) / 10;
  return [
    {
      id: 'login-slow',
      severity: 'info',
      summary: `dbconn's login took ${seconds} s: the server is up, but logins are slow.`,
      figure: { value: seconds, unit: 'seconds' },
      evidence: [],
      fix: 'Check the CPU load, and how many sessions log in per second.',
    },
  ];
}

interface Rhythm {
  readonly periodSeconds: number;
  readonly bursts: number;
  /** How many came at once, at the largest. */
  readonly size: number;
}

/** Twice is a coincidence. */
const leastBursts = 3;
/** A look a minute cannot tell shorter ones from load. */
const leastPeriodSeconds = 3 * 60;
/** Looks this near to each other see one burst. */
const oneBurstSeconds = 120;
/** A burst begins up to a minute before the look that sees it. */
const slackSeconds = 75;
const slackShare = 0.15;
const leastSize = 5;

/**
 * Bursts of connections that come at equal distances within the hour that dbconn remembers: pools that replace theirs
 * in the same minute, jobs that begin together. Seen by connections that began, and by slots that are taken for a while.
 * Null without three bursts whose distances agree.
 */
function findRhythm(checks: readonly RecentCheck[]): Rhythm | null {
  const usual = median(checks.map(({ used }) => used));
  const started = checks.map(({ newIn60s = 0 }) => newIn60s);
  const usualStarts = median(started);
  const above = (check: RecentCheck): number => check.used - usual;
  const fresh = ({ newIn60s = 0 }: RecentCheck): number => newIn60s - usualStarts;
  return (
    measure(checks, above, ({ usable }) => usable * 0.1) ??
    measure(checks, fresh, ({ used }) => Math.max(used * 0.3, usualStarts * 2))
  );
}

type Of = (check: RecentCheck) => number;

function measure(checks: readonly RecentCheck[], size: Of, least: Of): Rhythm | null {
  const isHigh = (check: RecentCheck): boolean => size(check) >= Math.max(leastSize, least(check));
  const high = checks.filter(isHigh);
  const starts = high
    .map(({ at }) => Date.parse(at) / 1_000)
    .filter((second, index, all) => second - (all[index - 1] ?? -Infinity) > oneBurstSeconds);
  // What was on already when the memory begins has no beginning.
  const known = checks[0] !== undefined && isHigh(checks[0]) ? starts.slice(1) : starts;
  if (known.length < leastBursts || high.length > checks.length / 2) return null;
  const distances = known.slice(1).map((second, index) => second - (known[index] ?? 0));
  const period = median(distances);
  const slack = Math.max(slackSeconds, period * slackShare);
  const isRegular = distances.every((distance) => Math.abs(distance - period) <= slack);
  if (!isRegular || period < leastPeriodSeconds) return null;
  return {
    periodSeconds: period,
    bursts: known.length,
    size: Math.max(...high.map(size)),
  };
}

const stormMs = 5 * 60_000;
/** So large a share of the sessions is new, and so large a share of the slots is taken, when everybody comes back. */
const stormShare = 0.8;
const stormUse = 0.5;

/** What comes again and again at the same distance, and what came back all at once. */
export function findInRhythm(evidence: Evidence): Finding[] {
  const { capacity, target } = evidence;
  const severity = pressureOf(capacity, target.limits) === 'none' ? 'info' : 'warning';
  return [...regular(evidence), ...storm(evidence)].map((found) => ({ ...found, severity }));
}

function regular({ history }: Evidence): Omit<Finding, 'severity'>[] {
  const rhythm = findRhythm(history);
  if (rhythm === null) return [];
  const { periodSeconds, bursts, size } = rhythm;
  return [
    {
      id: 'connection-rhythm',
      summary: `Every ${durationOfSeconds(periodSeconds)}, up to ${count(size, 'connection opens', 'connections open')} at once; dbconn saw this ${bursts} times.`,
      figure: { value: Math.round(periodSeconds), unit: 'seconds between bursts' },
      evidence: ['Likely pools that recycle in the same minute, or jobs that start together.'],
      fix: 'Spread them: start jobs at different minutes, and set a different DATABASE_POOL_RECYCLE for each service.',
    },
  ];
}

/** After a fail-over or a restart of the network: the slots are as full as before, and hardly a session is older. */
function storm({ reading, capacity, history }: Evidence): Omit<Finding, 'severity'>[] {
  if (reading === undefined || capacity === null) return [];
  const { newIn300s } = reading.counts;
  const now = Date.parse(history.at(-1)?.at ?? '');
  const before = history.findLast(({ at }) => now - Date.parse(at) >= stormMs);
  const isNew = newIn300s >= capacity.used * stormShare && capacity.utilisation >= stormUse;
  if (!isNew || before === undefined || before.used < capacity.used * stormUse) return [];
  return [
    {
      id: 'reconnect-storm',
      summary: `${newIn300s} of ${count(capacity.used, 'connection')} opened in the last 5 minutes: clients reconnected all at once.`,
      figure: { value: newIn300s, unit: 'connections' },
      evidence: [
        `Before that, ${before.used} were in use.`,
        `PostgreSQL started ${durationOfSeconds((now - Date.parse(reading.startedAt)) / 1_000)} ago.`,
      ],
      fix: 'Let clients reconnect with exponential backoff and jitter, or put a pooler in between.',
    },
  ];
}

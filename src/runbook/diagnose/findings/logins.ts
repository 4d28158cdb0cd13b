import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { cleanUntrusted } from '../untrusted.ts';

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
      summary: `About ${rate} sessions a second are opened and closed again, and each costs the server a process and a login.`,
      figure: { value: rate, unit: 'sessions per second' },
      evidence: [
        `${passed} sessions began and ended within ${Math.round(seconds * 10) / 10} s.`,
        ...sources
          .slice(0, mostExamples)
          .map(({ user, application, client, newIn60s, total }) =>
            cleanUntrusted(
              `${newIn60s} of ${total} sessions of ${user ?? ''} (${application}) from ${client ?? 'a socket'} are younger than a minute`,
              200,
            ),
          ),
      ],
      fix: 'Let the application keep its connections: a pool instead of NullPool, or PgBouncer in front. Neither ending sessions nor a larger max_connections stops the logins.',
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
      summary: `dbconn's login took ${seconds} s: the server is alive, and slow to let sessions in.`,
      figure: { value: seconds, unit: 'seconds' },
      evidence: [],
      fix: 'See what its processors are busy with, and how many sessions log in a second.',
    },
  ];
}

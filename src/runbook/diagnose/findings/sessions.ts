import type { UntrackedReading } from '../../snapshot/readings.ts';
import { cleanUntrusted } from '../../snapshot/redaction/redact-text.ts';
import type { SessionReading } from '../../snapshot/snapshot.ts';
import { count, durationOfSeconds, inSeconds, list } from '../../snapshot/words.ts';
import { toCauseInput } from '../causes/cause-input.ts';
import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { classOf, isTelling } from '../waits.ts';

/** How many sessions stand behind a finding as its evidence. */
export const mostExamples = 5;
/** Below this a long transaction is ordinary work; above it vacuum falls behind. */
const longTransactionSeconds = 60 * 60;

/** The runbook's steps 2 and 3: what the sessions do, and for how long. */
export function findInSessions(evidence: Evidence): Finding[] {
  if (evidence.reading === undefined) return [];
  return [
    ...idleInTransaction(evidence),
    ...aborted(evidence),
    ...candidates(evidence),
    ...untracked(evidence),
    ...slowQueries(evidence),
    ...longTransactions(evidence),
  ];
}

function idleInTransaction({ reading, target }: Evidence): Finding[] {
  const held = reading?.counts.idleInTransactionOverWarning ?? 0;
  if (held === 0) return [];
  const limitMs = target.limits.idleInTransactionWarningMs;
  const sessions = byStateAge(reading?.sessions, (state) =>
    state.startsWith('idle in transaction'),
  );
  return [
    {
      id: 'idle-in-transaction',
      severity: 'warning',
      summary: `${count(held, 'session has', 'sessions have')} been idle in transaction for over ${durationOfSeconds(limitMs / 1_000)}.`,
      figure: { value: held, unit: 'sessions' },
      evidence: sessions.slice(0, mostExamples).map(describeSession),
      fix: 'Find the code that does not commit or close.',
    },
  ];
}

/** Nothing more can succeed in such a transaction, so every one of them is a slot wasted. */
function aborted({ reading, lingeringMs }: Evidence): Finding[] {
  const stuck = byStateAge(reading?.sessions, (state) => state.endsWith('(aborted)')).filter(
    ({ stateAgeSeconds }) => (stateAgeSeconds ?? 0) * 1_000 >= lingeringMs,
  );
  if (stuck.length === 0) return [];
  const held = stuck.length;
  return [
    {
      id: 'idle-in-transaction-aborted',
      severity: 'warning',
      summary: `${count(held, 'session is', 'sessions are')} in a failed transaction and did not roll back.`,
      figure: { value: held, unit: 'sessions' },
      evidence: stuck.slice(0, mostExamples).map(describeSession),
      fix: 'The application must roll back after an error. Ending such a session loses nothing.',
    },
  ];
}

function candidates({ reading, target }: Evidence): Finding[] {
  const inTransaction = reading?.counts.idleInTransactionOverTerminate ?? 0;
  const idle = reading?.counts.idleOverTerminate ?? 0;
  if (inTransaction + idle === 0) return [];
  const { terminateIdleInTransactionMs, terminateIdleMs } = target.limits;
  const old = `${inTransaction} idle in transaction for over ${durationOfSeconds(terminateIdleInTransactionMs / 1_000)}`;
  const unused = `${idle} idle for over ${durationOfSeconds(terminateIdleMs / 1_000)}`;
  return [
    {
      id: 'terminate-candidates',
      // Idle members of a pool are what pools are for; on their own they are no trouble.
      severity: inTransaction > 0 ? 'warning' : 'info',
      summary: `Old enough to end: ${list([...(inTransaction > 0 ? [old] : []), ...(idle > 0 ? [unused] : [])])}.`,
      figure: { value: inTransaction + idle, unit: 'sessions' },
      evidence: [],
      ...(idle > 0 && { fix: 'Pools reopen idle connections when they need them.' }),
    },
  ];
}

function slowQueries({ reading, target }: Evidence): Finding[] {
  const slow = reading?.counts.slowQueries ?? 0;
  if (slow === 0) return [];
  const sessions = (reading?.sessions ?? [])
    .filter((one) => one.state === 'active' && !one.own && isAtWork(one))
    .toSorted((a, b) => (b.queryAgeSeconds ?? 0) - (a.queryAgeSeconds ?? 0));
  return [
    {
      id: 'slow-queries',
      severity: 'warning',
      summary: `${count(slow, 'query has', 'queries have')} run for over ${durationOfSeconds(target.limits.slowQueryMs / 1_000)}.`,
      figure: { value: slow, unit: 'queries' },
      evidence: sessions.slice(0, mostExamples).map(describeSession),
      fix: 'Check their plans with EXPLAIN, missing indexes and statement_timeout.',
    },
  ];
}

function isAtWork({ waitEventType: type, waitEvent: event }: SessionReading): boolean {
  return !['lock', 'client-wait', 'replication'].includes(classOf({ type, event }));
}

/** With track_activities off nobody can tell a session at work from a forgotten one. */
function untracked(evidence: Evidence): Finding[] {
  const { reading } = evidence;
  if (reading === undefined || reading.untracked.sessions === 0) return [];
  const { sessions } = reading.untracked;
  const examples = reading.sessions
    .filter(({ state }) => state === 'disabled')
    .toSorted((a, b) => b.connectionAgeSeconds - a.connectionAgeSeconds)
    .slice(0, mostExamples);
  return [
    {
      id: 'activity-not-tracked',
      severity: isTelling(sessions, evidence) ? 'warning' : 'info',
      summary: `${count(sessions, 'session does', 'sessions do')} not report their activity (track_activities is off). ${whatIsLeft(reading.untracked)}`,
      figure: { value: sessions, unit: 'sessions' },
      evidence: examples.map(({ pid, application, connectionAgeSeconds }) =>
        cleanUntrusted(
          `${pid} ${application}: connected for ${durationOfSeconds(connectionAgeSeconds)}`,
          200,
        ),
      ),
      fix: 'As a superuser, run ALTER ROLE … RESET track_activities, or change it where it was set. It applies to new connections.',
    },
  ];
}

function whatIsLeft({ sessions, resting, inTransaction }: UntrackedReading): string {
  if (resting === null) {
    return `Their waits are not visible either; ${count(inTransaction, 'holds', 'hold')} a transaction.`;
  }
  return `Their waits show ${sessions - resting} active and ${resting} idle, ${inTransaction} of them in a transaction.`;
}

function longTransactions({ reading }: Evidence): Finding[] {
  const old = (reading?.sessions ?? [])
    .filter(({ own, backendType }) => !own && backendType === 'client backend')
    .filter(({ transactionAgeSeconds }) => (transactionAgeSeconds ?? 0) >= longTransactionSeconds)
    .toSorted((a, b) => (b.transactionAgeSeconds ?? 0) - (a.transactionAgeSeconds ?? 0));
  const oldest = old[0]?.transactionAgeSeconds;
  if (oldest === undefined || oldest === null) return [];
  return [
    {
      id: 'long-transactions',
      severity: 'warning',
      summary: `${count(old.length, 'transaction has', 'transactions have')} been open for over an hour, the oldest for ${durationOfSeconds(oldest)}. Vacuum cannot clean up meanwhile.`,
      figure: { value: oldest, unit: 'seconds', limit: longTransactionSeconds },
      evidence: old.slice(0, mostExamples).map(describeSession),
      fix: 'End forgotten ones, and move long reports to a standby.',
    },
  ];
}

function byStateAge(
  sessions: readonly SessionReading[] = [],
  fits: (state: string) => boolean,
): SessionReading[] {
  return sessions
    .filter(({ state, own }) => !own && fits(state))
    .toSorted((a, b) => (b.stateAgeSeconds ?? 0) - (a.stateAgeSeconds ?? 0));
}

export function describeSession(session: SessionReading): string {
  const { pid, application, state, stateAgeSeconds, hasWritten, query } = session;
  const age = stateAgeSeconds === null ? '' : ` for ${durationOfSeconds(stateAgeSeconds)}`;
  const wrote = hasWritten ? ', wrote data' : '';
  return cleanUntrusted(`${pid} ${application}: ${state}${age}${wrote}: ${query ?? 'hidden'}`, 200);
}

/** Many short queries that are slow only against what is usual: no threshold for a single one shows them. */
export function findSlowerThanUsual(evidence: Evidence): Finding[] {
  const { dragging } = toCauseInput(evidence);
  if (dragging === undefined) return [];
  const { sessions, seconds, usual } = dragging;
  const than =
    usual === null || usual.active === 0 ? '' : `; normal is ${inSeconds(usual.seconds)}`;
  return [
    {
      id: 'slower-than-usual',
      severity: 'warning',
      summary: `${count(sessions, 'session runs', 'sessions run')} the same statement, each for ${inSeconds(seconds)}${than}.`,
      figure: { value: seconds, unit: 'seconds', ...(usual !== null && { limit: usual.seconds }) },
      evidence: [],
      fix: 'Check its plan with EXPLAIN. Run ANALYZE on its tables, and check for a missing index. More connections would only run more of it at once.',
    },
  ];
}

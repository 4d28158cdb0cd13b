import { cleanUntrusted } from '../../snapshot/redaction/redact-text.ts';
import { count, durationOfSeconds } from '../../snapshot/words.ts';
import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import {
  describeProgress,
  findClientWaits,
  findDeadlocks,
  findMaintenance,
  findSaturation,
  isTelling,
  lastingWaits,
  sessionsIn,
} from '../waits.ts';
import type { ClassWaits, Saturated } from '../waits.ts';
import { describeSession, mostExamples } from './sessions.ts';

const mostLockExamples = 5;

/** The runbook's step 5: who waits for whom. */
export function findInLocks(evidence: Evidence): Finding[] {
  return [
    ...busy(evidence),
    ...lockWaits(evidence),
    ...cycles(evidence),
    ...deadlocks(evidence),
    ...prepared(evidence),
  ];
}

/** Nothing hangs but what asks for locks, new logins among it; who is at the root shows only afterwards. */
function busy({ reading, blocking }: Evidence): Finding[] {
  if (reading?.lockManagerBusy === undefined) return [];
  const { waitersTotal } = blocking;
  const { sessions } = reading.lockManagerBusy;
  const checks =
    sessions > 0
      ? `Their deadlock checks keep the lock manager busy (${count(sessions, 'session')}), so new logins hang.`
      : 'Their deadlock checks are about to start and will block new logins.';
  return [
    {
      id: 'lock-manager-busy',
      severity: 'critical',
      summary: `${count(waitersTotal, 'session waits', 'sessions wait')} for locks. ${checks} The blockers cannot be read yet.`,
      figure: { value: waitersTotal, unit: 'sessions' },
      evidence: ['Counts and sources are current; single sessions and blockers were not read.'],
      fix: 'Check again in a few seconds, when the blockers can be read. Do not restart: the checks end by themselves.',
    },
  ];
}

function lockWaits(evidence: Evidence): Finding[] {
  const { waitersTotal, roots } = evidence.blocking;
  const lasting = lastingWaits(evidence);
  if (lasting.count === 0) return [];
  return [
    {
      id: 'lock-waits',
      severity: 'warning',
      summary: `${count(waitersTotal, 'session waits', 'sessions wait')} for locks, the longest for ${durationOfSeconds(lasting.longestSeconds)}, behind ${count(roots.length, 'root blocker')}.`,
      figure: { value: waitersTotal, unit: 'sessions' },
      evidence: roots.slice(0, mostLockExamples).map((root) => {
        const who = 'pid' in root ? `${root.pid}` : `prepared transaction ${root.prepared}`;
        return cleanUntrusted(`${who} blocks ${count(root.victims, 'session')}.`, 200);
      }),
      fix: 'Start with the root blocker: ending a waiting session does not help the others.',
    },
  ];
}

function cycles({ blocking }: Evidence): Finding[] {
  if (blocking.cycles.length === 0) return [];
  return [
    {
      id: 'lock-cycle',
      severity: 'warning',
      summary: `${count(blocking.cycles.length, 'deadlock is', 'deadlocks are')} in progress; PostgreSQL aborts one transaction of each after deadlock_timeout.`,
      figure: { value: blocking.cycles.length, unit: 'cycles' },
      evidence: blocking.cycles
        .slice(0, mostLockExamples)
        .map((ring) => ring.slice(0, 20).join(' → ')),
      fix: 'Take locks in the same order everywhere in the code.',
    },
  ];
}

/** With or without a log: the server counts those it broke. */
function deadlocks(evidence: Evidence): Finding[] {
  const found = findDeadlocks(evidence);
  if (found === undefined || found.count === 0) return [];
  return [
    {
      id: 'deadlocks',
      severity: 'warning',
      summary: `PostgreSQL resolved ${count(found.count, 'deadlock')} in the last ${durationOfSeconds(found.seconds)}.`,
      figure: { value: found.count, unit: 'deadlocks' },
      evidence: [],
      fix: 'Take locks in the same order everywhere in the code. The server log names the statements.',
    },
  ];
}

/** They survive restarts, have no session to end, and hold their locks until somebody decides. */
function prepared({ reading, blocking, target }: Evidence): Finding[] {
  const old = (reading?.prepared ?? []).filter(
    ({ ageSeconds }) => ageSeconds * 1_000 >= target.limits.idleInTransactionWarningMs,
  );
  const blockers = blocking.roots.flatMap((root) => ('prepared' in root ? [root] : []));
  if (old.length === 0 && blockers.length === 0) return [];
  const victims = Math.max(0, ...blockers.map((root) => root.victims));
  const held = Math.max(old.length, blockers.length);
  const effect = victims > 0 ? `; ${count(victims, 'session is', 'sessions are')} blocked` : '';
  return [
    {
      id: 'prepared-transactions',
      severity: 'warning',
      summary: `${count(held, 'prepared transaction waits', 'prepared transactions wait')} for a COMMIT or ROLLBACK PREPARED${effect}.`,
      figure: { value: held, unit: 'prepared transactions' },
      evidence: (reading?.prepared ?? [])
        .slice(0, mostLockExamples)
        .map(({ gid, owner, database, ageSeconds }) =>
          cleanUntrusted(
            `${gid} of ${owner} in ${database}, ${durationOfSeconds(ageSeconds)} old`,
            200,
          ),
        ),
      fix: 'Ask the transaction manager for its decision. Then run COMMIT PREPARED or ROLLBACK PREPARED as the owner, in its database.',
    },
  ];
}

/** What active sessions wait for, where it is none of the runbook's six causes. */
export function findInWaits(evidence: Evidence): Finding[] {
  return [
    ...replicationWait(evidence),
    ...saturation(evidence),
    ...clientWait(evidence),
    ...maintenance(evidence),
  ];
}

/** A few commits wait for a round trip to the standby at any moment. */
const leastCommitting = 3;

/** None of the runbook's six causes: the commits are done here, and only the standby's word is missing. */
function replicationWait({ reading }: Evidence): Finding[] {
  const committing = reading?.counts.committing ?? 0;
  const waits = (reading?.sessions ?? []).filter(
    ({ waitEvent, stateAgeSeconds }) => waitEvent === 'SyncRep' && (stateAgeSeconds ?? 0) >= 1,
  );
  if (committing < leastCommitting || waits.length === 0) return [];
  return [
    {
      id: 'replication-wait',
      severity: 'critical',
      summary: `${count(committing, 'commit')} wait for a synchronous standby that does not answer.`,
      figure: { value: committing, unit: 'commits' },
      evidence: waits.slice(0, mostExamples).map(describeSession),
      fix: "Bring the standby back, or let a DBA run ALTER SYSTEM SET synchronous_standby_names = '' and SELECT pg_reload_conf(). Do not cancel them: they are already committed here.",
    },
  ];
}

const saturated: Record<
  Saturated,
  { readonly one: string; readonly many: string; readonly fix: string }
> = {
  storage: {
    one: 'active session waits for storage',
    many: 'active sessions wait for storage',
    fix: 'Check the latency and throughput of the disk. Check what else uses it: a backup, a checkpoint, VACUUM. Do not cancel single statements or restart PostgreSQL: that empties caches and makes it slower.',
  },
  'internal-locks': {
    one: 'active session waits for internal locks',
    many: 'active sessions wait for internal locks',
    fix: 'Let fewer sessions run at once, with smaller pools or a pooler. The PostgreSQL documentation explains the wait events. There is no blocker to end: others take the place of cancelled sessions.',
  },
  cpu: {
    one: 'active session uses the CPU without waiting',
    many: 'active sessions use the CPU without waiting',
    fix: 'Check the load of the machine and what else runs on it. Let fewer sessions run at once, with smaller pools or a pooler. More connections make it slower.',
  },
};

/** Whatever is asked takes long then: no statement is to blame, and its plan is no help. */
function saturation(evidence: Evidence): Finding[] {
  const waits = findSaturation(evidence);
  if (waits === undefined) return [];
  const { one, many, fix } = saturated[waits.class];
  return [
    {
      id: waits.class,
      severity: 'warning',
      summary: `${count(waits.lasting, one, many)}${waits.lasting === 1 ? '' : ', each'} for over a second.`,
      figure: { value: waits.lasting, unit: 'sessions' },
      evidence: [
        'This is a single moment; a second check makes it more certain.',
        ...examplesOf(waits, evidence),
      ],
      fix,
    },
  ];
}

/** The server is done, or cannot go on, and the program at the other end neither reads nor sends. */
function clientWait(evidence: Evidence): Finding[] {
  const waits = findClientWaits(evidence);
  if (waits === undefined) return [];
  return [
    {
      id: 'client-wait',
      severity: 'warning',
      summary: `${count(waits.lasting, 'active session waits', 'active sessions wait')} for a client that neither reads nor sends.`,
      figure: { value: waits.lasting, unit: 'sessions' },
      evidence: examplesOf(waits, evidence),
      fix: 'Check whether the client is slow or gone. To free the connection, terminate the session: a cancel has no effect until the client responds. Set client_connection_check_interval and tcp_user_timeout to end sessions of lost clients.',
    },
  ];
}

function examplesOf(waits: ClassWaits, { reading }: Evidence): string[] {
  const events = waits.events
    .slice(0, mostExamples)
    .filter(({ type, lasting }) => type !== null && lasting > 0)
    .map(({ type, event, lasting }) =>
      cleanUntrusted(`${type}:${event}: ${count(lasting, 'session')}`, 200),
    );
  const sessions = sessionsIn(waits.class, reading?.sessions).slice(0, mostExamples);
  return [...events, ...sessions.map(describeSession)];
}

/** A build or rewrite at the head of a queue: how far it is decides whether to wait. */
function maintenance(evidence: Evidence): Finding[] {
  return findMaintenance(evidence)
    .filter(({ victims }) => isTelling(victims, evidence))
    .map(({ pid, victims, command, progress, session }) => ({
      id: 'maintenance',
      severity: 'warning',
      summary: `${command}${describeProgress(progress)} in session ${pid} blocks ${count(victims, 'session')}.`,
      figure: { value: victims, unit: 'sessions' },
      evidence: session === undefined ? [] : [describeSession(session)],
      fix: 'Wait if it is nearly done: after a cancel it starts over. If you cancel CREATE INDEX or REINDEX CONCURRENTLY, drop the invalid index it leaves.',
    }));
}

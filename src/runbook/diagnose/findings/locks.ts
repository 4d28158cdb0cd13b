import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { findDeadlocks } from '../deadlocks.ts';
import { lastingWaits } from '../lasting-waits.ts';
import { cleanUntrusted } from '../untrusted.ts';
import { count, durationOfSeconds } from '../../snapshot/words.ts';

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
      ? `their deadlock checks keep the lock manager busy (${count(sessions, 'session')} in it), so that new logins hang`
      : 'their deadlock checks, which make new logins hang, are about to begin';
  return [
    {
      id: 'lock-manager-busy',
      severity: 'critical',
      summary: `${count(waitersTotal, 'session waits', 'sessions wait')} for locks, and ${checks}. Who blocks whom cannot be read yet.`,
      figure: { value: waitersTotal, unit: 'sessions' },
      evidence: [
        'Counts and sources are of this moment; single sessions and who waits for whom were left out.',
      ],
      fix: 'Look again in some seconds, when the blockers can be read. Do not restart: the checks end by themselves.',
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
        return cleanUntrusted(`${who} holds up ${count(root.victims, 'session')}.`, 200);
      }),
      fix: 'Begin at the root: a waiter is a victim, ending it helps nobody else.',
    },
  ];
}

function cycles({ blocking }: Evidence): Finding[] {
  if (blocking.cycles.length === 0) return [];
  return [
    {
      id: 'lock-cycle',
      severity: 'warning',
      summary: `${count(blocking.cycles.length, 'group')} of sessions wait for one another; PostgreSQL ends one of each after deadlock_timeout.`,
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
      summary: `PostgreSQL broke ${count(found.count, 'deadlock')} in the last ${durationOfSeconds(found.seconds)}.`,
      figure: { value: found.count, unit: 'deadlocks' },
      evidence: [],
      fix: 'Take locks in the same order everywhere in the code; the server log names the statements.',
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
  const effect = victims > 0 ? ` and hold up ${count(victims, 'session')}` : '';
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
      fix: 'Ask the transaction manager what it decided; then COMMIT PREPARED or ROLLBACK PREPARED as its owner in its database.',
    },
  ];
}

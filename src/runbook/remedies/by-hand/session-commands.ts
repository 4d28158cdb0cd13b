import type { BlockerTarget, PreparedTarget, SessionTarget } from '../plan.ts';
import type { Commands, Place } from './hand-off.ts';
import { psql, psqlNotes, sqlString, sqlStringOrNull } from './psql.ts';

/** As many sessions as one statement names: more, and nobody reads it before running it. */
const sessionsPerStatement = 10;
/** As many waiters as a statement asks about; one that still waits is enough. */
const mostWaiters = 10;

/**
 * Option A. Each session is told by its whole identity and its rest, in the statement that signals it, and nobody is
 * signalled after `until` by the server's clock.
 */
export function endSessionsCommands(
  place: Place,
  sessions: readonly SessionTarget[],
  { idleForMs, until }: { readonly idleForMs: number; readonly until: string },
): Commands {
  const batches = Array.from(
    { length: Math.ceil(sessions.length / sessionsPerStatement) },
    (_, index) => sessions.slice(index * sessionsPerStatement, (index + 1) * sessionsPerStatement),
  );
  const commands = batches.map((batch) => {
    const rows = batch.map(({ identity: one }) => {
      const { pid, startedAt, user, application, state, stateChangedAt } = one;
      const texts = [startedAt, user, application, state, stateChangedAt].map(sqlString);
      return `  (${[pid, ...texts, sqlStringOrNull(one.transactionStartedAt)].join(', ')})`;
    });
    return psql(
      place,
      `SELECT a.pid, pg_terminate_backend(a.pid)
FROM pg_stat_activity a JOIN (VALUES
${rows.join(',\n')}
) w (pid, started, usename, application, state, changed, xact)
  ON a.pid = w.pid AND a.backend_start = w.started::timestamptz AND a.usename = w.usename
 AND a.application_name = w.application AND a.state = w.state AND a.state_change = w.changed::timestamptz
 AND a.xact_start IS NOT DISTINCT FROM w.xact::timestamptz
WHERE a.state_change <= clock_timestamp() - interval '${idleForMs} milliseconds'
  AND clock_timestamp() < ${sqlString(until)}::timestamptz;`,
    );
  });
  return { notes: psqlNotes(place), commands };
}

/** Option D. A waiter of a commit is nobody's target, and a blocker is signalled only while an approved one waits for it. */
export function stopCommands(
  place: Place,
  blockers: readonly BlockerTarget[],
  until: string,
): Commands {
  const both = blockers.some(({ how }) => how === 'cancel-then-terminate');
  return {
    notes: [
      ...psqlNotes(place),
      ...(both
        ? ['Run pg_terminate_backend only if the pg_cancel_backend before it released no session.']
        : []),
    ],
    commands: blockers.flatMap((blocker) => {
      const hows =
        blocker.how === 'cancel-then-terminate'
          ? (['cancel', 'terminate'] as const)
          : [blocker.how];
      return hows.map((how, index) =>
        psql(place, stopStatement(blocker, { how, until, isSecond: index > 0 })),
      );
    }),
  };
}

interface Signal {
  readonly how: 'cancel' | 'terminate';
  readonly until: string;
  /** After a cancel the transaction may have ended: the session is enough, as long as it still blocks. */
  readonly isSecond: boolean;
}

function stopStatement(
  { identity, waiters, queued }: BlockerTarget,
  { how, until, isSecond }: Signal,
): string {
  const { pid, startedAt, user, application, transactionStartedAt: xact } = identity;
  const named = waiters.length === 0;
  const statement = `a.state = ${sqlString(identity.state)} AND a.state_change = ${time(identity.stateChangedAt)}
  AND a.query_start IS NOT DISTINCT FROM ${time(identity.queryStartedAt)}`;
  const waits = waiters
    .slice(0, mostWaiters)
    .map((one) => `(${one.pid}, ${time(one.startedAt)})`)
    .join(', ');
  return [
    `SELECT a.pid, pg_${how}_backend(a.pid) FROM pg_stat_activity a`,
    `WHERE a.pid = ${pid} AND a.backend_start = ${time(startedAt)}`,
    `  AND a.usename = ${sqlString(user)} AND a.application_name = ${sqlString(application)}`,
    ...(isSecond ? [] : [`  AND a.xact_start IS NOT DISTINCT FROM ${time(xact)}`]),
    ...(named && !isSecond ? [`  AND ${statement}`] : []),
    ...(how === 'cancel' ? ["  AND a.state IN ('active', 'fastpath function call')"] : []),
    ...(queued ? ["  AND a.wait_event_type = 'Lock'"] : []),
    "  AND a.wait_event IS DISTINCT FROM 'SyncRep'",
    ...(named
      ? []
      : [
          `  AND EXISTS (SELECT FROM pg_stat_activity w WHERE (w.pid, w.backend_start) IN (${waits})`,
          '    AND a.pid = ANY (pg_blocking_pids(w.pid) || pg_safe_snapshot_blocking_pids(w.pid)))',
        ]),
    `  AND clock_timestamp() < ${time(until)};`,
  ].join('\n');
}

/** The rollback of a prepared transaction, which is named only where it still is the one that was approved. */
export function rollBackCommands(place: Place, prepared: readonly PreparedTarget[]): Commands {
  return {
    notes: [...psqlNotes(place), 'Only its owner or a superuser can roll it back.'],
    commands: prepared.map(({ gid, owner, database, preparedAt, transaction }) =>
      psql(
        place,
        `SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts
WHERE gid = ${sqlString(gid)} AND owner = ${sqlString(owner)} AND database = ${sqlString(database)}
  AND prepared = ${time(preparedAt)} AND transaction = ${sqlString(transaction)}::xid
\\gexec`,
        database,
      ),
    ),
  };
}

function time(iso: string | null): string {
  return iso === null ? 'NULL' : `${sqlString(iso)}::timestamptz`;
}

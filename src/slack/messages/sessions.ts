import type { Diagnosis, LeakSuspect, Waiter } from '../../runbook/diagnose/diagnosis.ts';
import { count, toAge } from '../../runbook/snapshot/words.ts';
import { blockersList, sessionsTable, sourcesTable } from './diagnosis-parts.ts';
import { framed, reachNotice } from './frame.ts';
import type { View } from './frame.ts';
import type { Message, MessageBlock } from './kit/message.ts';
import { bold, code, plain, titledList, rich } from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { table } from './kit/table.ts';

/** Who waits for whom, and the root blockers. */
export function blockingMessage(view: View): Message {
  const { diagnosis } = view;
  const summary = blockingSummary(diagnosis);
  return framed(view, { lead: 'Blocking on', summary }, [
    ...reachNotice(diagnosis),
    ...blockersList(diagnosis, 10),
    ...waitersTable(diagnosis),
  ]);
}

function blockingSummary({ blocking, capacity }: Diagnosis): string {
  const { waitersTotal, roots, cycles } = blocking;
  if (capacity === null) return 'Who waits for a lock is not known.';
  if (waitersTotal === 0) return 'Nobody waits for a lock.';
  if (roots.length + cycles.length === 0) {
    return `${count(waitersTotal, 'session waits', 'sessions wait')} for locks; behind whom cannot be read just now.`;
  }
  const rings = cycles.length === 0 ? '' : ` ${count(cycles.length, 'deadlock')} in progress.`;
  return `${count(waitersTotal, 'session waits', 'sessions wait')} behind ${count(roots.length, 'root blocker')}.${rings}`;
}

function waitersTable({ blocking }: Diagnosis): MessageBlock[] {
  return table<Waiter>({
    columns: [
      { title: 'PID', value: ({ pid }) => String(pid) },
      { title: 'Waits for', value: waitsFor, max: 60 },
      { title: 'Lock', value: ({ lock }) => lock, max: 60 },
      { title: 'On', value: ({ relation }) => relation, max: 80 },
      { title: 'For', value: ({ waitSeconds }) => toAge(waitSeconds) },
    ],
    rows: blocking.waiters,
    atMost: 20,
    total: blocking.waitersTotal,
    noun: 'waiters',
  });
}

function waitsFor({ waitsFor }: Waiter): string {
  return waitsFor.map((pid) => (pid === 0 ? 'prepared transaction' : String(pid))).join(', ');
}

/** Sessions idle in transaction, and the statements after which they stopped. */
export function idleMessage(view: View): Message {
  const { diagnosis } = view;
  const idle = diagnosis.sessions.filter(({ state }) => state.startsWith('idle in transaction'));
  const summary = idleSummary(diagnosis);
  return framed(view, { lead: 'Idle in transaction on', summary }, [
    ...reachNotice(diagnosis),
    ...titledList('Where they come from', diagnosis.leakSuspects.map(suspectLeaves)),
    ...sessionsTable(idle),
  ]);
}

function idleSummary({ capacity }: Diagnosis): string {
  if (capacity === null) return 'How many sessions are idle in transaction is not known.';
  const { idleInTransaction, idleInTransactionAborted } = capacity.byState;
  return `${count(idleInTransaction, 'session is', 'sessions are')} idle in transaction, ${idleInTransactionAborted} more in an aborted one.`;
}

function suspectLeaves(suspect: LeakSuspect): Leaf[] {
  const { application, sessions, oldestSeconds, hasWritten, query } = suspect;
  const wrote = hasWritten === 0 ? '' : `, ${hasWritten} have written`;
  return [
    ...rich`${bold(count(sessions, 'session'))} ${plain('of')} ${code(application, 60)}${plain(`, oldest ${toAge(oldestSeconds)}${wrote}`)}`,
    ...(query === null ? [] : rich`, after ${code(query, 300)}`),
  ];
}

/** The oldest connections, transactions and queries. */
export function sessionsMessage(view: View): Message {
  const { diagnosis } = view;
  const { sessions } = diagnosis;
  const summary =
    sessions.length === 0
      ? 'There is no session to show.'
      : `${count(sessions.length, 'session')} worth a look: blockers, and the oldest transactions, queries and connections.`;
  return framed(view, { lead: 'Sessions of', summary }, [
    ...reachNotice(diagnosis),
    ...sessionsTable(sessions),
  ]);
}

/** Connections by user, application, client and database. */
export function sourcesMessage(view: View): Message {
  const { diagnosis } = view;
  const { capacity, sourcesTotal } = diagnosis;
  const summary =
    capacity === null
      ? 'Who holds the connections is not known.'
      : `${count(sourcesTotal, 'source holds', 'sources hold')} ${capacity.used} of ${capacity.usable} usable connections.`;
  return framed(view, { lead: 'Sources of', summary }, [
    ...reachNotice(diagnosis),
    ...sourcesTable(diagnosis),
  ]);
}

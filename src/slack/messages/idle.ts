import type { Diagnosis, LeakSuspect } from '../../runbook/diagnose/diagnosis.ts';
import { count, toAge } from '../../runbook/snapshot/words.ts';
import { foot, reachNotice, stateHeader } from './parts/frame.ts';
import type { View } from './parts/frame.ts';
import { sentence } from './parts/lists.ts';
import type { Message } from './parts/message.ts';
import { toMessage } from './parts/message.ts';
import { between, bold, code, plain, titledList } from './parts/rich-text.ts';
import type { Leaf } from './parts/rich-text.ts';
import { sessionsTable } from './parts/tables.ts';

/** Sessions idle in transaction, and the statements after which they stopped. */
export function idleMessage(view: View): Message {
  const { diagnosis } = view;
  const idle = diagnosis.sessions.filter(({ state }) => state.startsWith('idle in transaction'));
  const summary = idleSummary(diagnosis);
  return toMessage(`Idle in transaction on ${diagnosis.target}: ${summary}`, [
    stateHeader(diagnosis),
    sentence(summary),
    ...reachNotice(diagnosis),
    ...titledList('Where they come from', diagnosis.leakSuspects.map(suspectLeaves)),
    ...sessionsTable(idle),
    ...foot(view),
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
    bold(count(sessions, 'session')),
    between(' '),
    plain('of'),
    between(' '),
    code(application, 60),
    plain(`, oldest ${toAge(oldestSeconds)}${wrote}`),
    ...(query === null ? [] : [between(', after '), code(query, 300)]),
  ];
}

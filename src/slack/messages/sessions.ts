import { count } from '../../runbook/snapshot/words.ts';
import { foot, reachNotice, stateHeader } from './parts/frame.ts';
import type { View } from './parts/frame.ts';
import { sentence } from './parts/lists.ts';
import type { Message } from './parts/message.ts';
import { toMessage } from './parts/message.ts';
import { sessionsTable } from './parts/tables.ts';

/** The oldest connections, transactions and queries. */
export function sessionsMessage(view: View): Message {
  const { diagnosis } = view;
  const { sessions, target } = diagnosis;
  const summary =
    sessions.length === 0
      ? 'There is no session to show.'
      : `${count(sessions.length, 'session')} worth a look: blockers, and the oldest transactions, queries and connections.`;
  return toMessage(`Sessions of ${target}: ${summary}`, [
    stateHeader(diagnosis),
    sentence(summary),
    ...reachNotice(diagnosis),
    ...sessionsTable(sessions),
    ...foot(view),
  ]);
}

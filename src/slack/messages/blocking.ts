import type { Diagnosis, Waiter } from '../../runbook/diagnose/diagnosis.ts';
import { count, toAge } from '../../runbook/snapshot/words.ts';
import { foot, reachNotice, stateHeader } from './parts/frame.ts';
import type { View } from './parts/frame.ts';
import { blockersList, sentence } from './parts/lists.ts';
import type { Message, MessageBlock } from './parts/message.ts';
import { toMessage } from './parts/message.ts';
import { table } from './kit/table.ts';

/** Who waits for whom, and the root blockers. */
export function blockingMessage(view: View): Message {
  const { diagnosis } = view;
  const summary = blockingSummary(diagnosis);
  return toMessage(`Blocking on ${diagnosis.target}: ${summary}`, [
    stateHeader(diagnosis),
    sentence(summary),
    ...reachNotice(diagnosis),
    ...blockersList(diagnosis, 10),
    ...waitersTable(diagnosis),
    ...foot(view),
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

import { count } from '../../runbook/snapshot/words.ts';
import { foot, reachNotice, stateHeader } from './parts/frame.ts';
import type { View } from './parts/frame.ts';
import { sentence } from './parts/lists.ts';
import type { Message } from './parts/message.ts';
import { toMessage } from './parts/message.ts';
import { sourcesTable } from './parts/tables.ts';

/** Connections by user, application, client and database. */
export function sourcesMessage(view: View): Message {
  const { diagnosis } = view;
  const { capacity, sourcesTotal, target } = diagnosis;
  const summary =
    capacity === null
      ? 'Who holds the connections is not known.'
      : `${count(sourcesTotal, 'source holds', 'sources hold')} ${capacity.used} of ${capacity.usable} usable connections.`;
  return toMessage(`Sources of ${target}: ${summary}`, [
    stateHeader(diagnosis),
    sentence(summary),
    ...reachNotice(diagnosis),
    ...sourcesTable(diagnosis),
    ...foot(view),
  ]);
}

import { proposeButtons } from './propose-buttons.ts';
import { historyChart } from './parts/chart.ts';
import { findingsList, foot, stateHeader, stateLine } from './parts/frame.ts';
import type { View } from './parts/frame.ts';
import { blockersList, poolersList, poolsList, proposalsList, sentence } from './parts/lists.ts';
import type { Message } from './parts/message.ts';
import { toMessage } from './parts/message.ts';
import { holdersTable } from './parts/tables.ts';

/**
 * The answer to `/dbconn status`, in the order a woken person asks: how full, why, who, what holds it up,
 * what would help, and how dbconn knows.
 */
export function statusMessage(view: View): Message {
  const { diagnosis } = view;
  const findings = findingsList(diagnosis, 3);
  const unseen = diagnosis.capacity === null;
  return toMessage(`${stateLine(diagnosis)} ${diagnosis.verdict}`, [
    stateHeader(diagnosis),
    sentence(diagnosis.verdict),
    // Where PostgreSQL was not seen, why it was not is the answer.
    ...(unseen ? findings : []),
    ...holdersTable(diagnosis),
    ...blockersList(diagnosis, 3),
    ...poolersList(diagnosis, 3),
    ...poolsList(diagnosis, 4),
    ...(unseen ? [] : findings),
    ...proposalsList(diagnosis),
    ...proposeButtons(view),
    ...historyChart(diagnosis),
    ...foot(view),
  ]);
}

import type { Cause, CauseName } from '../../runbook/diagnose/diagnosis.ts';
import { percent } from '../../runbook/snapshot/words.ts';
import { foot, reachNotice, stateHeader } from './parts/frame.ts';
import type { View } from './parts/frame.ts';
import { proposalsList, sentence, topic } from './parts/lists.ts';
import type { Message, MessageBlock } from './parts/message.ts';
import { toMessage } from './parts/message.ts';
import { between, bold, plain } from './parts/rich-text.ts';
import type { Leaf } from './parts/rich-text.ts';

/** The runbook's own names for its six causes. */
export const causeTitles: Readonly<Record<CauseName, string>> = {
  'connection-leak': 'Connection leak',
  'slow-queries': 'Slow queries',
  'uncommitted-transactions': 'Transaction not committed',
  'application-scaling': 'Application scaling',
  'pool-misconfiguration': 'Pool misconfiguration',
  'lock-contention': 'Deadlocks and lock waits',
};

/** The runbook's six causes, with the evidence for and against each that fits at all. */
export function causesMessage(view: View): Message {
  const { diagnosis } = view;
  const { causes, target, verdict } = diagnosis;
  return toMessage(`Causes on ${target}: ${verdict}`, [
    stateHeader(diagnosis),
    sentence(verdict),
    ...reachNotice(diagnosis),
    ...causes.map(causeBlock),
    ...proposalsList(diagnosis),
    ...foot(view),
  ]);
}

function causeBlock({ cause, confidence, summary, because, against }: Cause): MessageBlock {
  const point =
    (word: string) =>
    (line: string): Leaf[] => [bold(word), between(' '), plain(line, 300)];
  return topic(`${causeTitles[cause]}, ${percent(confidence)} sure: ${summary}`, [
    ...because.map(point('For:')),
    ...against.map(point('Against:')),
  ]);
}

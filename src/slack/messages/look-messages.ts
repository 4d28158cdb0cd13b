import type { ReadOnlyWord } from '../../runbook/commands/words.ts';
import { blockingMessage } from './blocking.ts';
import { causesMessage } from './causes.ts';
import { idleMessage } from './idle.ts';
import { logsMessage } from './logs.ts';
import type { View } from './parts/frame.ts';
import type { Message } from './parts/message.ts';
import { poolMessage } from './pool.ts';
import { sessionsMessage } from './sessions.ts';
import { sourcesMessage } from './sources.ts';
import { statusMessage } from './status.ts';

/** Which message answers which word; `doctor` alone is not made of a Diagnosis. */
export const diagnosisMessages: Readonly<
  Record<Exclude<ReadOnlyWord, 'doctor'>, (view: View) => Message>
> = {
  status: statusMessage,
  sources: sourcesMessage,
  sessions: sessionsMessage,
  idle: idleMessage,
  blocking: blockingMessage,
  pool: poolMessage,
  logs: logsMessage,
  causes: causesMessage,
};

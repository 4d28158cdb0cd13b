import type { Case, Weighed } from './case.ts';
import { duration, sum } from '../words.ts';
import { whyNotSignal } from './blocked.ts';

/** Terminate idle sessions: forgotten transactions first, then connections long unused. */
export function proposeTerminate({ evidence, short }: Case): Weighed[] {
  const { reading, target } = evidence;
  const sources = (reading?.sources ?? []).filter(
    ({ application }) => !target.protectedApplications.includes(application),
  );
  const inTransaction = sum(sources.map((source) => source.idleInTransactionOverTerminate));
  const idle = sum(sources.map((source) => source.idleOverTerminate));
  const { terminateIdleInTransactionMs, terminateIdleMs } = target.limits;
  const blocked = whyNotSignal(evidence);
  const options: Weighed[] = [];
  if (inTransaction > 0) {
    options.push({
      regret: 2,
      proposal: {
        option: 'A',
        subject: null,
        summary: `Terminate the ${inTransaction} sessions idle in transaction for over ${duration(terminateIdleInTransactionMs / 1_000)}; what they wrote and did not commit is lost.`,
        slotsFreed: inTransaction,
        blocked,
        ...(blocked === null && { command: 'propose A' }),
      },
    });
  }
  if (idle > 0 && short) {
    options.push({
      regret: 5,
      proposal: {
        option: 'A',
        subject: null,
        summary: `Terminate the ${idle} sessions idle for over ${duration(terminateIdleMs / 1_000)}; a pool without pre-ping hands out the dead connection once, and may open it again.`,
        slotsFreed: idle,
        blocked,
      },
    });
  }
  return options;
}

import type { Evidence } from '../evidence.ts';
import type { Case, Weighed } from './case.ts';
import { duration, sum } from '../words.ts';
import { whyNotSignal } from './blocked.ts';
import { toCommand } from './to-command.ts';

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
        ...(blocked === null && toIdleCommand(evidence)),
      },
    });
  }
  return options;
}

/** For the application that left most idle: option A ends one application's at a time, and a configured one only by button. */
function toIdleCommand({ reading, target }: Evidence): { readonly command?: string } {
  const configured = new Set(target.services.map(({ name, application }) => application ?? name));
  const groups = Map.groupBy(reading?.sources ?? [], ({ application }) => application);
  const [most] = [...groups]
    .filter(([application]) => configured.has(application))
    .map(([application, alike]) => ({
      application,
      idle: sum(alike.map(({ idleOverTerminate }) => idleOverTerminate)),
    }))
    .toSorted((a, b) => b.idle - a.idle);
  if (most === undefined || most.idle === 0) return {};
  const command = toCommand('A', most.application);
  return command === undefined ? {} : { command };
}

import type { RunControl, StepNote } from '../remedies/remedy.ts';
import { readStop } from '../approvals/emergency-stop.ts';
import { isoNow } from './iso-now.ts';
import type { ApprovalRequest } from './request.ts';
import type { ExecutionContext } from './site.ts';

/** The journal first, the live message after it: nobody reads of a step that is not recorded. */
export function controlOf(request: ApprovalRequest, context: ExecutionContext): RunControl {
  const { journal, lease, clock, notify } = context;
  const write = async (kind: 'intended' | 'done', note: StepNote): Promise<void> => {
    await journal.record({ request: request.id, kind: `step-${kind}`, body: { ...note } });
    notify(request, { ...note, kind, at: isoNow(clock) });
  };
  return {
    isStopped: async () => (await readStop(context)) !== undefined,
    intend: (note) => write('intended', note),
    record: (note) => write('done', note),
    lease,
    progress: (sentence) => notify(request, { kind: 'progress', sentence, at: isoNow(clock) }),
  };
}

import { isoNow, uptimeOf } from '../../timing.ts';
import { PrivilegedUnavailable } from '../remedies/remedy.ts';
import type { Item, Report, RunControl, StepNote } from '../remedies/remedy.ts';
import type { ExecutionContext } from './context.ts';
import { readStop } from './emergency-stop.ts';
import type { ApprovalRequest } from './request.ts';

const firstPauseMs = 500;
const longestPauseMs = 15_000;
/** Times what verifying takes. Until then nobody else can change this target; after it a person has to look. */
const waitFactor = 5;

/**
 * Completes or undoes what a broken run left half done. Where that cannot be reached it is tried again, for the answer
 * that was lost may have been a yes; when time is up, a report that says of every target that it is not known.
 */
export async function recoverSafely(
  request: ApprovalRequest,
  context: ExecutionContext,
  control: RunControl,
): Promise<Report> {
  const { remedy, journal, clock, verifyAfterMs, signal } = context;
  const since = request.execution?.startedAt ?? request.proposedAt;
  const giveUpAt = uptimeOf(clock) + waitFactor * verifyAfterMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const steps = await journal.readSteps(request.id);
    try {
      return await remedy.recover({ plan: request.plan, since, steps }, control);
    } catch (error) {
      if (!(error instanceof PrivilegedUnavailable)) throw error;
      if (uptimeOf(clock) + pauseMs > giveUpAt) return nothingKnown(request, error);
    }
    control.progress('The state of its targets is unknown. Checking again.');
    await clock.sleep(pauseMs, signal);
  }
}

function nothingKnown({ plan }: ApprovalRequest, { message }: PrivilegedUnavailable): Report {
  const items = plan.targets.map((target): Item => {
    const what = nameOf(target);
    return { what, outcome: 'unknown', detail: 'No check could tell.', lines: [] };
  });
  const summary = `The state of its targets is unknown: ${message}`;
  return { items, finished: false, summary };
}

function nameOf(target: ApprovalRequest['plan']['targets'][number]): string {
  switch (target.kind) {
    case 'session':
    case 'blocker':
      return `pid ${target.identity.pid}`;
    case 'prepared':
      return 'prepared transaction';
    case 'pool':
      return target.service;
    default:
      return target.name;
  }
}

/** The journal first, the live message after it: nobody reads of a step that is not recorded. */
export function controlOf(request: ApprovalRequest, context: ExecutionContext): RunControl {
  const { journal, lease, clock, onChange } = context;
  const write = async (kind: 'intended' | 'done', note: StepNote): Promise<void> => {
    await journal.record({ request: request.id, kind: `step-${kind}`, body: { ...note } });
    onChange(request, { ...note, kind, at: isoNow(clock) });
  };
  return {
    isStopped: async () => (await readStop(context)) !== undefined,
    intend: (note) => write('intended', note),
    record: (note) => write('done', note),
    lease,
    progress: (sentence) => onChange(request, { kind: 'progress', sentence, at: isoNow(clock) }),
  };
}

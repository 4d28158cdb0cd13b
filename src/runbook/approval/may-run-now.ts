import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { count } from '../snapshot/wording.ts';
import { readCooling } from './cooldown.ts';
import type { Cooling } from './cooldown.ts';
import type { ApprovalDeps } from './door-ports.ts';
import { readStop } from '../approvals/emergency-stop.ts';
import { mustBeTrue } from './must-be-true.ts';
import { refuseStopped } from '../approvals/refusals.ts';
import type { ApprovalRequest } from './request.ts';
import { mayLock } from './shared-lock.ts';

/** Whether the moment is right, whoever asks: the record is true, and nothing is stopped, running, or only just done. */
export async function mayRunNow(
  ports: ApprovalDeps,
  request: ApprovalRequest,
): Promise<Answer<null>> {
  const truth = await mustBeTrue(ports, request.target);
  if (!truth.ok) return truth;
  const stop = await readStop(ports);
  if (stop !== undefined) return refuseStopped(stop);
  const free = await mayLock(ports, request, ['approved', 'executing']);
  if (!free.ok) return free;
  const cooling = await readCooling(ports, request);
  return cooling === undefined ? done(null) : refuseCooling(cooling);
}

function refuseCooling({ leftMs }: Cooling): ReturnType<typeof refuse> {
  const left =
    leftMs < 60_000
      ? count(Math.ceil(leftMs / 1000), 'second')
      : count(Math.ceil(leftMs / 60_000), 'minute');
  return refuse(
    'cooling-down',
    'The same was done here only just now, and what it did has to show first.',
    `Approve it in ${left}; your vote was not counted yet.`,
  );
}

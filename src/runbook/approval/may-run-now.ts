import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { count } from '../remedies/wording.ts';
import { readCooling } from './cooldown.ts';
import type { Cooling } from './cooldown.ts';
import type { DoorPorts } from './door-ports.ts';
import { readStop } from './emergency-stop.ts';
import { refuseBusy, refuseStopped } from './refusals.ts';
import type { Request } from './request.ts';

/** Whether the moment is right, whoever asks: nothing is stopped, running, or only just done. */
export async function mayRunNow(ports: DoorPorts, request: Request): Promise<Answer<null>> {
  const stop = await readStop(ports);
  if (stop !== undefined) return refuseStopped(stop);
  const executing = await ports.journal.list(['approved', 'executing']);
  if (executing.some(({ target }) => target === request.target)) return refuseBusy();
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

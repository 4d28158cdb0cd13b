import { nameOf, outButIdle, toPicture } from '../causes/picture.ts';
import type { Case, Weighed } from './case.ts';
import { whyNotDocker, whyNotSignal } from './blocked.ts';
import { toCommand } from './to-command.ts';

/** Restart the service whose connections are not given back, or the largest holder when nothing else can be done. */
export function proposeRestart({ evidence, short, has }: Case): Weighed[] {
  const picture = toPicture(evidence);
  const services = picture.holders.filter(({ service, holds }) => service !== null && holds > 0);
  const stranded = short && whyNotSignal(evidence) !== null;
  if (!has('connection-leak') && !stranded) return [];
  const suspect = evidence.leakSuspects[0];
  const suspected = suspect === undefined ? null : evidence.findService(null, suspect.application);
  const holder =
    services.find(({ service }) => service === suspected) ??
    services.find((one) => outButIdle(one) > 0) ??
    services[0];
  if (holder === undefined) return [];
  const blocked = whyNotDocker(evidence);
  const command = holder.service === null ? undefined : toCommand('C', holder.service);
  return [
    {
      regret: 6,
      proposal: {
        option: 'C',
        subject: holder.service,
        summary: `Restart ${nameOf(holder)}, one replica after the other: its connections are dropped and its pools begin anew. Requests in flight fail; migrations may run at start-up.`,
        // A query that runs goes on in PostgreSQL after its client is gone, and keeps its slot until it ends.
        slotsFreed: holder.holds - holder.active,
        blocked,
        ...(blocked === null && command !== undefined && { command }),
      },
    },
  ];
}

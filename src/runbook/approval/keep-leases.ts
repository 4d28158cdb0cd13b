import type { Holder } from '../snapshot/ports.ts';
import type { ApprovalDeps } from './door-ports.ts';

/** Three renewals in a row may be missed before another process thinks this one dead. */
const renewalsPerLease = 4;

interface Leases {
  begin(): void;
  end(): void;
}

/** Renews this process's leases from `begin` on, as long as it has work. */
export function keepLeases(
  { journal, repeat }: Pick<ApprovalDeps, 'journal' | 'repeat'>,
  holder: Holder,
  hasWork: () => boolean,
): Leases {
  let stop: (() => void) | undefined;
  const end = (): void => {
    stop?.();
    stop = undefined;
  };
  const renew = async (): Promise<void> => {
    if (!hasWork()) end();
    // A journal that cannot be written now fails the next step too, and that is reported.
    else await journal.renew(holder).catch(() => undefined);
  };
  return {
    begin: () => {
      stop ??= repeat?.(holder.forMs / renewalsPerLease, renew);
    },
    end,
  };
}

import type { Lease } from '../../src/runbook/remedies/remedy.ts';

/** The lease of whoever has no rival. */
export const heldLease: Lease = {
  leftMs: () => Number.POSITIVE_INFINITY,
  mustLast: () => undefined,
};

/** That of a process which was frozen after its intent for longer than it lasted. */
export const lostLease: Lease = {
  leftMs: () => -1,
  mustLast() {
    throw new Error('The lease ran out.');
  },
};

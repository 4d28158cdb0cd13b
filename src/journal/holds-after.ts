import { z } from 'zod';

/** The time stamp of the message that this one takes the place of; null for the first. Older entries do not say. */
export const insteadOf = z.string().nullable().optional();

interface Placed {
  readonly ts: string;
  readonly insteadOf?: string | null | undefined;
}

/**
 * Which of two entries about one message holds, the earlier or the later. Two processes that post it in the same
 * moment both record where theirs stands: the later entry holds only where it knew of the earlier one.
 */
export function holdsAfter<T extends Placed>(earlier: T | undefined, later: T): T {
  const isKnown =
    earlier === undefined ||
    later.insteadOf === undefined ||
    later.ts === earlier.ts ||
    later.insteadOf === earlier.ts;
  return isKnown ? later : earlier;
}

import { z } from 'zod';
import { JournalUnavailable } from '../runbook/approval/journal-unavailable.ts';

export const StopRow = z.strictObject({
  by: z.string(),
  at: z.string(),
  reason: z.string(),
  lift: z.string().exactOptional(),
});

/** A stored value, or JournalUnavailable where it is not what dbconn wrote. */
export function parseRow<T>(schema: z.ZodType<T>, data: unknown): T {
  try {
    return schema.parse(JSON.parse(String(data)));
  } catch (error) {
    const message = 'The journal is damaged. Keep a copy, and run: dbconn journal verify.';
    throw new JournalUnavailable(message, { cause: error });
  }
}

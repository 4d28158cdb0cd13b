import { z } from 'zod';

/** A prepared transaction: told by its gid, its owner and the moment it was prepared. The gid is untrusted text. */
export const PreparedTarget = z.strictObject({
  kind: z.literal('prepared'),
  gid: z.string(),
  owner: z.string(),
  database: z.string(),
  /** UTC text with microseconds: a gid can be used again. */
  preparedAt: z.string(),
  transaction: z.string(),
  ageSeconds: z.number(),
  victims: z.number().int(),
  locksHeld: z.number().int(),
});
export type PreparedTarget = z.infer<typeof PreparedTarget>;

import { z } from 'zod';

/** A service whose processes dbconn does not see: told by its sessions. */
export const ServiceTarget = z.strictObject({
  kind: z.literal('service'),
  name: z.string(),
  /** Sessions it held when the plan was made; null when that could not be read. */
  connections: z.number().int().nullable(),
});
export type ServiceTarget = z.infer<typeof ServiceTarget>;

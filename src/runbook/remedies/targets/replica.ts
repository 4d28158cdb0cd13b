import { z } from 'zod';

/** One container of a service, to restart or to make anew. */
export const ReplicaTarget = z.strictObject({
  kind: z.literal('replica'),
  id: z.string(),
  name: z.string(),
  number: z.number().int(),
  /** When its process started, as the engine tells it: another value later means somebody restarted it. */
  startedAt: z.string().nullable(),
  state: z.string(),
  health: z.enum(['healthy', 'unhealthy', 'starting', 'none']),
  /** Sessions it held when the plan was made, told by its addresses; null when that could not be read. */
  connections: z.number().int().nullable(),
});
export type ReplicaTarget = z.infer<typeof ReplicaTarget>;

import { z } from 'zod';

const Sizes = z.strictObject({
  poolSize: z.number().int(),
  maxOverflow: z.number().int(),
});

/** The pool numbers of one service; the containers that get them are targets beside it. */
export const PoolTarget = z.strictObject({
  kind: z.literal('pool'),
  service: z.string(),
  /** What its containers have now; null where neither their environment nor the configuration tells. */
  from: Sizes.nullable(),
  to: Sizes,
  /** Processes over all replicas, each with a pool of its own. */
  processes: z.number().int(),
  /** SHA-256 of the `.env` the plan was made from: another one later means somebody edited it. Null: there was none. */
  envSha256: z.string().nullable(),
});
export type PoolTarget = z.infer<typeof PoolTarget>;

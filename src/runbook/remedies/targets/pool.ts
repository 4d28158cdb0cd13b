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
  /** What its containers' environment calls the two; null where the pool has no variable for its overflow. */
  variables: z.strictObject({ size: z.string(), overflow: z.string().nullable() }),
  /** The file that is written, by its path within the project, such as `.env`. */
  file: z.string(),
  /** SHA-256 of the file the plan was made from: another one later means somebody edited it. Null: there was none. */
  envSha256: z.string().nullable(),
});
export type PoolTarget = z.infer<typeof PoolTarget>;

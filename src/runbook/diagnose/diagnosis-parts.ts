import { z } from 'zod';

/** A PgBouncer whose console could be read. */
export const Pooler = z.object({
  name: z.string(),
  replicas: z.number().int(),
  version: z.string(),
  /** `session`, `transaction` or `statement`, unless a database or a user has its own. */
  mode: z.string(),
  clients: z.number().int(),
  maxClients: z.number().int(),
  clientsWaiting: z.number().int(),
  longestWaitSeconds: z.number(),
  /** Connections to PostgreSQL now. */
  servers: z.number().int(),
  /** What its pools may open to PostgreSQL, of one replica. */
  mayOpen: z.union([z.number().int(), z.literal('unlimited')]),
  /** Configured services among its clients. */
  services: z.array(z.string()),
  /** Those with the most waiting clients first, at most 50. */
  pools: z.array(
    z.object({
      database: z.string(),
      user: z.string(),
      mode: z.string(),
      clientsActive: z.number().int(),
      clientsWaiting: z.number().int(),
      longestWaitSeconds: z.number(),
      serversActive: z.number().int(),
      serversIdle: z.number().int(),
      servers: z.number().int(),
      /** pool_size; null without a limit. */
      size: z.number().int().nullable(),
      reserve: z.number().int(),
      fullBy: z.string().nullable(),
    }),
  ),
  poolsTotal: z.number().int(),
});
export type Pooler = z.infer<typeof Pooler>;

/**
 * Troubles that are none of the runbook's six causes, by the id of their finding. Each finding says what was seen, what
 * to do, and what not to press.
 */
export const troubles = {
  'replication-wait': 'replication wait',
  storage: 'slow storage',
  cpu: 'CPU saturation',
  'internal-locks': 'internal lock contention',
  'client-wait': 'unresponsive clients',
  'pooler-queue': 'pooler queue',
  'pooler-budget': 'oversized poolers',
  'connection-churn': 'connection churn',
  'abandoned-clients': 'abandoned clients',
  maintenance: 'maintenance',
  strangers: 'unknown clients',
} as const;

export type Trouble = keyof typeof troubles;

export function isTrouble(id: string): id is Trouble {
  return Object.hasOwn(troubles, id);
}

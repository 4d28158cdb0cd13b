/**
 * Troubles that are none of the runbook's six causes, by the id of their finding. Each finding says what was seen, what
 * to do, and what not to press.
 */
export const troubles = {
  'replication-wait': 'replication wait',
  storage: 'slow storage',
  cpu: 'no processor time left',
  'internal-locks': 'internal locks',
  'client-wait': 'clients that do not answer',
  'pooler-queue': 'a queue in the pooler',
  'pooler-budget': 'poolers that may open more than the server has',
  'connection-churn': 'connection churn',
  'abandoned-clients': 'abandoned clients',
  maintenance: 'maintenance',
  strangers: 'clients of no configured service',
} as const;

export type Trouble = keyof typeof troubles;

export function isTrouble(id: string): id is Trouble {
  return Object.hasOwn(troubles, id);
}

import { z } from 'zod';
import { Actor } from '../approvals/request.ts';

/** The runbook's five post-incident items, in its order and its words. */
export const checklist = [
  { id: 'connection-patterns', title: 'Review connection patterns in logs' },
  { id: 'code-leaks', title: 'Check for connection leaks in code' },
  { id: 'pool-sizes', title: 'Validate pool size settings' },
  { id: 'pooler', title: 'Consider connection pooler (PgBouncer) if needed' },
  { id: 'thresholds', title: 'Update monitoring thresholds' },
] as const;

export const ChecklistItem = z.enum(checklist.map(({ id }) => id));
export type ChecklistItem = z.infer<typeof ChecklistItem>;

/** An item somebody did, and when. */
export const Tick = z.strictObject({ item: ChecklistItem, by: Actor, at: z.string() });
export type Tick = z.infer<typeof Tick>;

import { z } from 'zod';

/** Who does something, and by which entrance. Only Slack proves who a person is. */
export const Actor = z.strictObject({
  /** A Slack user id, or the operating system's user for the terminal. */
  id: z.string().min(1).max(100),
  via: z.enum(['slack', 'terminal', 'timer']),
  /** The Slack workspace the person belongs to, where Slack said so. */
  team: z.string().max(30).optional(),
});
export type Actor = z.infer<typeof Actor>;

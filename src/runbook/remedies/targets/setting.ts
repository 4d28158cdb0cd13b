import { z } from 'zod';

/** A setting of PostgreSQL and the value it is to have, each as PostgreSQL writes it. */
export const SettingTarget = z.strictObject({
  kind: z.literal('setting'),
  name: z.string(),
  /** Null: for the whole cluster. Untrusted text. */
  role: z.string().nullable(),
  /** What is set at that place now; null when nothing is, and the default or the file holds. */
  from: z.string().nullable(),
  /** Null takes it away again. */
  to: z.string().nullable(),
  /** What holds now, wherever it comes from. */
  inForce: z.string(),
  /** Where that comes from, such as `configuration file` or `command line`. */
  source: z.string(),
});
export type SettingTarget = z.infer<typeof SettingTarget>;

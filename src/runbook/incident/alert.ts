import { z } from 'zod';

/** One alert of Alertmanager's or Grafana's webhook, told apart from the group it came in. Label values are untrusted text. */
export const Alert = z.strictObject({
  status: z.enum(['firing', 'resolved']),
  name: z.string(),
  fingerprint: z.string(),
  /** UTC ISO text. Fingerprint and start together name one firing, however often it is told. */
  startsAt: z.string(),
  /** Null while it fires. */
  endsAt: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
});
export type Alert = z.infer<typeof Alert>;

/** What became of an alert. `known`: it was told before, and nothing changed. */
export type AlertFate =
  | { readonly kind: 'opened' | 'joined' | 'known'; readonly incident: string }
  /** Its name is not one that dbconn minds, or it was over before an incident knew it. */
  | { readonly kind: 'ignored' }
  /** No target fits its labels: said in the channel once. */
  | { readonly kind: 'unplaced' };

import { z } from 'zod';
import { Severity } from '../diagnose/diagnosis.ts';

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

/** What Grafana sends in place of a rule that has no data or fails; `rulename` is that rule (Grafana documentation, "No data and error alerts"). */
const insteadOfRule = new Set(['DatasourceNoData', 'DatasourceError']);

/** The name of the rule an alert is about: its own, unless Grafana sent it in place of another one. */
export function ruleNameOf({ name, labels }: Pick<Alert, 'name' | 'labels'>): string {
  return insteadOfRule.has(name) ? labels['rulename'] || name : name;
}

/** Its severity in any case, such as `Critical`; undefined where the label is missing, `unknown` for another word. */
export function severityOf({ labels }: Pick<Alert, 'labels'>): Severity | 'unknown' | undefined {
  const word = labels['severity']?.trim().toLowerCase() ?? '';
  if (word === '') return undefined;
  return Severity.safeParse(word).data ?? 'unknown';
}

/** What became of an alert. `known`: it was told before, and nothing changed. */
export type AlertOutcome =
  | { readonly kind: 'opened' | 'joined' | 'known'; readonly incident: string }
  /** Its name is not one that dbconn minds, or it was over before an incident knew it. */
  | { readonly kind: 'ignored' }
  /** No target fits its labels: said in the channel once. */
  | { readonly kind: 'unplaced' };

import { z } from 'zod';
import { Severity } from '../runbook/diagnose/diagnosis.ts';
import { EscalationRole, ReasonName } from '../runbook/escalate/policy.ts';
import { duration } from './duration.ts';

/** The parts of dbconn.yml about incidents: what opens one, whom it calls, and who watches dbconn itself. */

export const httpUrl = z.custom<string>(
  (value) => typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value),
  'is not an http:// or https:// address',
);

/** Short ones are guessed: nothing else keeps a stranger from opening incidents. */
const secret = z.string().min(16, 'is a secret of at least 16 characters').max(500);

export const Alerts = z.strictObject({
  /** What Alertmanager or Grafana send as `Authorization: Bearer`. */
  bearer: secret.exactOptional(),
  basic: z.strictObject({ user: z.string().min(1).max(200), password: secret }).exactOptional(),
  /** Alerts beside the runbook's own. */
  names: z
    .array(
      z.strictObject({ name: z.string().min(1).max(200), severity: Severity.default('warning') }),
    )
    .max(100)
    .default([]),
});
export type Alerts = z.infer<typeof Alerts>;

/** The shortest pause between two looks at one target: more would be load of its own. */
const every = duration.refine((ms) => ms >= 1000, { message: 'is a duration of at least 1s' });

export const IncidentsEntry = z.strictObject({
  /** False: only alerts and people open incidents. */
  watch: z.boolean().default(true),
  every: every.exactOptional(),
  openAfter: duration.exactOptional(),
  closeAfter: duration.exactOptional(),
  reopenWithin: duration.exactOptional(),
  askAgainAfter: duration.exactOptional(),
  overdueAfter: duration.exactOptional(),
  checklistAfter: duration.exactOptional(),
});
export type IncidentsEntry = z.infer<typeof IncidentsEntry>;

const StepEntry = z.strictObject({
  who: EscalationRole,
  after: duration,
  when: z.array(ReasonName).default([]),
  unlessAssigned: z.boolean().default(false),
});
/** Without the key: the runbook's own contacts in its own order. An empty list calls nobody. */
export const Steps = z.array(StepEntry).max(10);

export const PagerEntry = z.strictObject({
  pagerduty: z
    .strictObject({
      /** The integration key of a service's Events API v2. */
      routingKey: z.string().regex(/^[A-Za-z0-9]{32}$/, 'is not a key of 32 letters and digits'),
      /** `https://events.eu.pagerduty.com` in Europe. */
      url: httpUrl.default('https://events.pagerduty.com'),
    })
    .exactOptional(),
  webhook: z.strictObject({ url: httpUrl, secret }).exactOptional(),
});
export type PagerEntry = z.infer<typeof PagerEntry>;

/** An address that is called while dbconn is well, so that somebody hears when it is not. */
export const HeartbeatEntry = z.strictObject({ url: httpUrl, every: every.default(60_000) });
export type HeartbeatEntry = z.infer<typeof HeartbeatEntry>;

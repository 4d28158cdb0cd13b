import type { z } from 'zod';
import type { EscalationStep } from '../runbook/escalate/policy.ts';
import { defaultIncidentRules } from '../runbook/incident/rules.ts';
import type { IncidentRules } from '../runbook/incident/rules.ts';
import type { Alerts, IncidentsEntry, Steps } from './incidents.ts';

/** In the file a duration is `2m`; in the program it bears its unit in its name. */
export function toIncidentRules(given: IncidentsEntry, { names }: Alerts): IncidentRules {
  const defaults = defaultIncidentRules;
  return {
    watch: given.watch,
    checkEveryMs: given.every ?? defaults.checkEveryMs,
    openAfterMs: given.openAfter ?? defaults.openAfterMs,
    closeAfterMs: given.closeAfter ?? defaults.closeAfterMs,
    reopenWithinMs: given.reopenWithin ?? defaults.reopenWithinMs,
    askAgainAfterMs: given.askAgainAfter ?? defaults.askAgainAfterMs,
    overdueAfterMs: given.overdueAfter ?? defaults.overdueAfterMs,
    checklistAfterMs: given.checklistAfter ?? defaults.checklistAfterMs,
    alerts: new Map([
      ...defaults.alerts,
      ...names.map(({ name, severity }) => [name, severity] as const),
    ]),
  };
}

export function toSteps(steps: z.infer<typeof Steps>): EscalationStep[] {
  return steps.map(({ after, ...step }) => ({ ...step, afterMs: after }));
}

import type { Config } from './config/config.ts';
import { createIncidents } from './runbook/incidents/create-incidents.ts';
import type { IncidentDeps } from './runbook/incident/incident-ports.ts';
import type { Incidents } from './runbook/incidents/incidents.ts';
import { policyOf } from './runbook/escalate/default-policy.ts';
import type { EscalationStep } from './runbook/escalate/policy.ts';

type IncidentParts = Omit<IncidentDeps, 'targets' | 'rules' | 'policyOf'> & {
  readonly config: Pick<Config, 'targets' | 'incidents' | 'pager'>;
};

/** The one door to incidents for all targets of a configuration. */
export function openIncidents({ config, ...ports }: IncidentParts): Incidents {
  return createIncidents({
    ...ports,
    targets: config.targets.map(({ target }) => target),
    rules: config.incidents,
    policyOf: readPolicies(config),
  });
}

/** Whom an incident of each target calls, as it is frozen into one that opens now. */
export function readPolicies({
  targets,
  pager: usual,
}: Pick<Config, 'targets' | 'pager'>): (target: string) => readonly EscalationStep[] {
  const entries = new Map(targets.map((entry) => [entry.target.name, entry]));
  return (name) => {
    const entry = entries.get(name);
    const pager = entry?.pager ?? usual;
    const canPage = pager.pagerduty !== undefined || pager.webhook !== undefined;
    const contacts = entry?.target.contacts ?? {};
    return policyOf({ steps: entry?.escalation, contacts, canPage });
  };
}

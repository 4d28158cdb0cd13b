import type { Config } from './config.ts';
import { createIncidents } from './runbook/incident/create-incidents.ts';
import type { IncidentPorts } from './runbook/incident/incident-ports.ts';
import type { Incidents } from './runbook/incident/incidents.ts';
import { policyOf } from './runbook/escalate/default-policy.ts';

export type IncidentParts = Omit<IncidentPorts, 'targets' | 'rules' | 'policyOf'> & {
  readonly config: Pick<Config, 'targets' | 'incidents' | 'pager'>;
};

/** The one door to incidents for all targets of a configuration. */
export function openIncidents({ config, ...ports }: IncidentParts): Incidents {
  const entries = new Map(config.targets.map((entry) => [entry.target.name, entry]));
  return createIncidents({
    ...ports,
    targets: config.targets.map(({ target }) => target),
    rules: config.incidents,
    policyOf(name) {
      const entry = entries.get(name);
      const pager = entry?.pager ?? config.pager;
      const canPage = pager.pagerduty !== undefined || pager.webhook !== undefined;
      return policyOf({
        steps: entry?.escalation,
        contacts: entry?.target.contacts ?? {},
        canPage,
      });
    },
  });
}

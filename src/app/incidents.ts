import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { openPager } from '../pagers/pagers.ts';
import type { Pager } from '../runbook/escalation/ports.ts';
import { policyOf } from '../runbook/escalation/policy.ts';
import type { IncidentDeps } from '../runbook/incidents/incident-log.ts';
import { createIncidents } from '../runbook/incidents/incidents.ts';
import type { Incidents } from '../runbook/incidents/incidents.ts';
import type { EscalationStep } from '../runbook/incidents/rules.ts';
import type { Clock } from '../timing.ts';

type IncidentParts = Omit<IncidentDeps, 'targets' | 'rules' | 'policyOf'> & {
  readonly config: Pick<Config, 'targets' | 'incidents' | 'pager'>;
};

/** The one way to incidents for all targets of a configuration. */
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

interface PagersParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts what waits to be tried again, when the bot stops. */
  readonly signal: AbortSignal;
}

/** What wakes people for each target: its own pager, else the one for all. */
export function openPagers(
  config: Pick<Config, 'targets' | 'pager'>,
  { clock, log, signal }: PagersParts,
): (target: string) => Pager | undefined {
  const wire = { fetch, clock, log, signal };
  const usual = openPager(config.pager, wire);
  const pagers = new Map(
    config.targets.map(({ target, pager }) => [
      target.name,
      pager === undefined ? usual : openPager(pager, wire),
    ]),
  );
  return (target) => pagers.get(target);
}

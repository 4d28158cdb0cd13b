import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { createLog } from '../log.ts';
import { openPager } from '../pagers/pagers.ts';
import type { Check } from '../runbook/diagnose/doctor.ts';
import { checkEscalation } from '../runbook/escalation/channels.ts';
import { policyOf } from '../runbook/escalation/policy.ts';
import type { Pager } from '../runbook/escalation/ports.ts';
import type { IncidentDeps } from '../runbook/incidents/incident-log.ts';
import { createIncidents } from '../runbook/incidents/incidents.ts';
import type { Incidents } from '../runbook/incidents/incidents.ts';
import type { EscalationStep } from '../runbook/incidents/rules.ts';
import type { Clock } from '../timing.ts';
import type { App } from './deps.ts';

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
function readPolicies({
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

/** For doctor: whether whoever an incident of a target would call can be reached. */
export function createCallsCheck(
  config: Pick<Config, 'targets' | 'pager' | 'channel'>,
  pagerOf: (target: string) => Pager | undefined,
): (target: string) => readonly Check[] {
  const { channel } = config;
  const policyOf = readPolicies(config);
  const contacts = new Map(config.targets.map(({ target }) => [target.name, target.contacts]));
  return (name) =>
    checkEscalation(policyOf(name), {
      contacts: contacts.get(name) ?? {},
      channel,
      pager: pagerOf(name),
    });
}

/** What doctor says in a terminal of the rules of approval and of whom an incident calls. Records and pages nothing. */
export async function checkRules(app: App, target: string): Promise<readonly Check[]> {
  const { config, deps } = app;
  const approvals = await app.dryRun({
    onChange: () => undefined,
    onFault: (_, error) => console.error(error),
  });
  const signal = new AbortController().signal;
  const pagerOf = openPagers(config, { clock: deps.clock, log: createLog('silent'), signal });
  return [...approvals.check(target), ...createCallsCheck(config, pagerOf)(target)];
}

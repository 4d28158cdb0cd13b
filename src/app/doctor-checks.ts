import type { App } from '../app.ts';
import type { Config } from '../config/config.ts';
import { createLog } from '../log.ts';
import type { Check } from '../runbook/diagnose/doctor.ts';
import { checkEscalation } from '../runbook/escalation/channels.ts';
import type { Pager } from '../runbook/escalation/ports.ts';
import { openPagers, readPolicies } from './incidents.ts';

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

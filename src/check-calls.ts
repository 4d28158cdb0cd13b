import type { Config } from './config/config.ts';
import { readPolicies } from './open-incidents.ts';
import type { Check } from './runbook/diagnose/doctor.ts';
import { checkEscalation } from './runbook/escalate/check-escalation.ts';
import type { Pager } from './runbook/escalation/pager.ts';

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

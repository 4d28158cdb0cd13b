import type { Config } from '../config/config.ts';
import { noJournal } from '../journal/stored-journal.ts';
import { createLog } from '../log.ts';
import type { Check } from '../runbook/diagnose/doctor.ts';
import { checkEscalation } from '../runbook/escalation/channels.ts';
import type { Pager } from '../runbook/escalation/pager.ts';
import type { TargetAdapters } from '../runbook/loop/target-monitor.ts';
import { systemClock } from '../timing.ts';
import { openApprovals } from './approvals.ts';
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
export function checkRules(
  config: Config,
  targetAdapters: readonly TargetAdapters[],
  target: string,
): readonly Check[] {
  const approvals = openApprovals({
    config,
    targetAdapters,
    journal: noJournal,
    clock: systemClock,
    onChange: () => undefined,
    onFault: (_, error) => console.error(error),
  });
  const log = createLog('silent');
  const wire = { clock: systemClock, log, signal: new AbortController().signal };
  return [
    ...approvals.check(target),
    ...createCallsCheck(config, openPagers(config, wire))(target),
  ];
}

import { createCallsCheck } from './check-calls.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config/config.ts';
import { noJournal } from './journal/no-journal.ts';
import { createLog } from './log.ts';
import { openApprovals } from './app/approvals.ts';
import { openPagers } from './open-pagers.ts';
import type { Check } from './runbook/diagnose/doctor.ts';
import type { TargetAdapters } from './runbook/loop/target-monitor.ts';

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

import type { Logger } from 'pino';
import type { Config } from './config/config.ts';
import { openPager } from './pagerduty/open-pager.ts';
import type { Clock } from './runbook/snapshot/ports.ts';
import type { Pager } from './runbook/escalation/pager.ts';

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

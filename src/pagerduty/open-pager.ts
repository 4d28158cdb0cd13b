import type { Logger } from 'pino';
import type { Pager } from '../runbook/escalation/pager.ts';
import { createPagerDuty } from './create-pagerduty.ts';
import { createPagers } from './create-pagers.ts';
import { createWebhookPager } from './create-webhook-pager.ts';
import type { Wire } from '../pagers/deliver.ts';

/** `pager` of dbconn.yml. */
interface PagerSettings {
  readonly pagerduty?: { readonly routingKey: string; readonly url: string };
  readonly webhook?: { readonly url: string; readonly secret: string };
}

interface PagerWire extends Wire {
  readonly log: Pick<Logger, 'warn' | 'error'>;
}

/** What wakes people for a target; undefined where nothing is configured. */
export function openPager(
  { pagerduty, webhook }: PagerSettings,
  wire: PagerWire,
): Pager | undefined {
  const pagers = [
    ...(pagerduty === undefined ? [] : [createPagerDuty({ ...wire, ...pagerduty })]),
    ...(webhook === undefined ? [] : [createWebhookPager({ ...wire, ...webhook })]),
  ];
  return pagers.length > 1 ? createPagers(pagers, wire.log) : pagers[0];
}

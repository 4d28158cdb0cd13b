import type { Pager } from '../runbook/escalation/pager.ts';
import { deliver } from '../pagers/deliver.ts';
import type { Wire } from '../pagers/deliver.ts';
import { toChangeEvent, toEvent } from './to-event.ts';

interface PagerDutyOptions extends Wire {
  /** The integration key of a service's Events API v2. */
  readonly routingKey: string;
  /** `https://events.pagerduty.com`, or `https://events.eu.pagerduty.com` in Europe. */
  readonly url: string;
}

const fix = 'Check pager.pagerduty in dbconn.yml: the routing key and the region of the url.';

/** PagerDuty's Events API v2. One dedup key is one open alert, however often it is triggered. */
export function createPagerDuty({ routingKey, url, ...wire }: PagerDutyOptions): Pager {
  const name = 'PagerDuty';
  const post = (path: string, event: Record<string, unknown>): Promise<void> =>
    deliver(wire, {
      name,
      url: new URL(path, url).href,
      body: JSON.stringify(event),
      headers: () => ({}),
      secret: routingKey,
      fix,
    });
  return {
    name,
    page: (page) => post('/v2/enqueue', toEvent(page, routingKey)),
    tellChange: (change) => post('/v2/change/enqueue', toChangeEvent(change, routingKey)),
  };
}

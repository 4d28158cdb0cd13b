import type { Page, PagedChange, Pager } from '../runbook/escalation/ports.ts';
import { answers, deliver } from './deliver.ts';
import type { Wire } from './deliver.ts';

/** The sizes PagerDuty gives for its Events API v2. */
const longestSummary = 1024;
const longestKey = 255;
/** Custom details have no size of their own; the whole event has one of 512 KB. */
const longestDetail = 2000;
const mostDetails = 50;
const mostLinks = 10;

/** An event of `/v2/enqueue`. Only a trigger carries a payload; the others are told apart by the key alone. */
function toEvent(page: Page, routingKey: string): Record<string, unknown> {
  const { action, key } = page;
  const event = { routing_key: routingKey, event_action: action, dedup_key: cut(key, longestKey) };
  if (action !== 'trigger') return event;
  return {
    ...event,
    client: 'dbconn',
    payload: {
      summary: cut(page.summary, longestSummary),
      source: page.target,
      severity: page.severity,
      timestamp: page.at,
      component: 'postgresql',
      class: 'connections',
      custom_details: Object.fromEntries(
        Object.entries(page.details)
          .slice(0, mostDetails)
          .map(([name, sentence]) => [name, cut(sentence, longestDetail)]),
      ),
    },
    // One that is no address would have the whole page refused.
    links: page.links
      .filter(({ url }) => URL.canParse(url))
      .slice(0, mostLinks)
      .map(({ title, url }) => ({ href: url, text: title })),
  };
}

/** An event of `/v2/change/enqueue`: it shows beside incidents and pages nobody. */
function toChangeEvent(change: PagedChange, routingKey: string): Record<string, unknown> {
  return {
    routing_key: routingKey,
    payload: {
      summary: cut(change.summary, longestSummary),
      source: change.target,
      timestamp: change.at,
    },
  };
}

/** Never through the middle of a character. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const whole = text.slice(0, most - 1);
  return `${/[\uD800-\uDBFF]$/.test(whole) ? whole.slice(0, -1) : whole}…`;
}

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
    findSilent: async () => ((await answers(wire, url)) ? [] : [name]),
  };
}

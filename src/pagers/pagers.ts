import { createHmac } from 'node:crypto';
import type { Logger } from 'pino';
import { PagerRefused } from '../runbook/escalation/ports.ts';
import type { Page, PagedChange, Pager } from '../runbook/escalation/ports.ts';
import { answers, deliver } from './deliver.ts';
import type { Wire } from './deliver.ts';

/** Several pagers as one. All are told at the same time; it counts as taken when one of them took it. */
export function createPagers(pagers: readonly Pager[], log: Pick<Logger, 'error'>): Pager {
  const tell = async (call: (pager: Pager) => Promise<void>): Promise<void> => {
    const told = await Promise.allSettled(pagers.map(call));
    const refused = told.flatMap((one): unknown[] =>
      one.status === 'rejected' ? [one.reason] : [],
    );
    if (refused.length === pagers.length) throw together(refused);
    for (const err of refused) log.error({ err }, 'One of several pagers did not accept a request');
  };
  return {
    name: pagers.map(({ name }) => name).join(' and '),
    page: (page) => tell((pager) => pager.page(page)),
    tellChange: (change) => tell((pager) => pager.tellChange(change)),
    findSilent: async () => {
      const silent = await Promise.all(pagers.map(async (pager) => pager.findSilent?.() ?? []));
      return silent.flat();
    },
  };
}

function together(errors: readonly unknown[]): unknown {
  const refusals = errors.filter((error) => error instanceof PagerRefused);
  // Anything else is a fault of ours, and must not be taken for a refusal.
  if (refusals.length < errors.length) return new AggregateError(errors, 'A pager broke.');
  const message = refusals.map(({ message }) => message).join(' ');
  return new PagerRefused(
    message,
    refusals.some(({ mayPass }) => mayPass),
  );
}

interface WebhookPagerOptions extends Wire {
  readonly url: string;
  /** Shared with the receiver, who proves by it that a call is dbconn's. */
  readonly secret: string;
}

const webhookFix = 'Check pager.webhook in dbconn.yml, and what its receiver logs.';

/** Anything that takes JSON over HTTP, signed. `docs/pager-webhook.md` is for those who receive it. */
function createWebhookPager({ url, secret, ...wire }: WebhookPagerOptions): Pager {
  const name = `the webhook at ${new URL(url).host}`;
  const post = (content: Record<string, unknown>): Promise<void> => {
    const body = JSON.stringify({ version: 1, ...content });
    const headers = (): Record<string, string> => ({
      'x-dbconn-signature': sign(body, secret, Math.floor(wire.clock.now() / 1000)),
    });
    return deliver(wire, { name, url, body, headers, secret, fix: webhookFix });
  };
  return {
    name,
    page: (page) => post({ kind: 'page', ...page }),
    tellChange: (change) => post({ kind: 'change', ...change }),
    findSilent: async () => ((await answers(wire, url)) ? [] : [name]),
  };
}

/** The time is signed along with the body, so that an old call cannot be played again. */
function sign(body: string, secret: string, atSeconds: number): string {
  const hex = createHmac('sha256', secret).update(`${atSeconds}.${body}`).digest('hex');
  return `t=${atSeconds},v1=${hex}`;
}

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

const pagerDutyFix =
  'Check pager.pagerduty in dbconn.yml: the routing key and the region of the url.';

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
      fix: pagerDutyFix,
    });
  return {
    name,
    page: (page) => post('/v2/enqueue', toEvent(page, routingKey)),
    tellChange: (change) => post('/v2/change/enqueue', toChangeEvent(change, routingKey)),
    findSilent: async () => ((await answers(wire, url)) ? [] : [name]),
  };
}
